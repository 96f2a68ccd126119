import fc from "fast-check";
import {
  checkLineText,
  decodeUtf8,
  encodeUtf8,
  FormatError,
} from "../../../provider/formats/bytes";
import { holds } from "./laws";

const bytes = fc.uint8Array({ maxLength: 12 }).map((all) => Buffer.from(all).toString("latin1"));

test("text that was encoded is decoded to itself", () => {
  holds(fc.string({ unit: "binary" }), (text) => {
    expect(decodeUtf8(encodeUtf8(text))).toBe(text);
  });
});

test("valid UTF-8 decodes as TextDecoder decodes it, and only that has no escapes added", () => {
  holds(bytes, (some) => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const decoded = decodeUtf8(some);
    let expected: string | undefined;
    try {
      expected = strict.decode(Buffer.from(some, "latin1"));
    } catch {
      expected = undefined;
    }
    if (expected === undefined) expect(decoded).toMatch(/\\x[89a-f][0-9a-f]/);
    else expect(decoded).toBe(expected);
  });
});

test.each([
  ["\xff", "\\xff"],
  ["a\xc3", "a\\xc3"],
  ["\xc3\xa9\xa9", "é\\xa9"],
  ["\xed\xa0\x80", "\\xed\\xa0\\x80"],
  ["\xc0\x80", "\\xc0\\x80"],
  ["\xf0\x9f\x93\xa7", "📧"],
])("bytes that are not UTF-8 are shown as escapes: %j is %s", (some, shown) => {
  expect(decodeUtf8(some)).toBe(shown);
});

test("half a surrogate pair is refused", () => {
  expect(() => encodeUtf8("a\ud800b")).toThrow(FormatError);
});

test.each(["a\nb", "a\0b", "é€"])(
  "a line's text must be bytes without newline and NUL: %j",
  (text) => {
    expect(() => checkLineText("the value", text)).toThrow(/^the value/);
  },
);

test("an error is known as one of ours also without its class", () => {
  expect(FormatError.isInstance(new FormatError("x"))).toBe(true);
  expect(FormatError.isInstance(new Error("x"))).toBe(false);
  expect(FormatError.isInstance(undefined)).toBe(false);
});
