/** What is shown holds nothing that a terminal or the engine would obey. */
import fc from "fast-check";
import { keepingSecrets } from "../../provider/driver/secrets/keeping";
import { shown, shownValues, unshowable } from "../../provider/driver/shown";
import { HostError } from "../../provider/host/errors";
import { holdsDirective, printable, readable } from "../../provider/values/readable";

/** Texts in which what is looked for is likely. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<",
        "{%",
        "<{%",
        "%}>",
        "<{%reset%}>",
        "\u001b[2J",
        "\u009b1m",
        "\r",
        "\u202e",
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

/** The characters that a terminal obeys, said another way than in the code under test. */
function obeyed(text: string): readonly string[] {
  const found = text.match(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu) ?? [];
  return found.filter((character) => character !== "\n" && character !== "\t");
}

describe("printable", () => {
  test("holds nothing that a terminal or the engine obeys", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(printable(text)).not.toContain("<{%");
        expect(obeyed(printable(text))).toEqual([]);
        expect(holdsDirective(printable(text))).toBe(false);
      }),
    );
  });

  test("made printable twice is the same as once", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
  });

  test("leaves printable text as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => {
        fc.pre(!text.includes("<{%"));
        expect(printable(text)).toBe(text);
      }),
    );
    expect(printable("täglich\n\tzwei Zeilen, <b>{%</b>")).toBe(
      "täglich\n\tzwei Zeilen, <b>{%</b>",
    );
  });

  test.each([
    ["<{%x%}>", String.raw`\x3c{%x%}>`],
    ["<<{%x%}>", String.raw`<\x3c{%x%}>`],
    ["\u001b[31m", String.raw`\x1b[31m`],
    ["a\r\nb", "a\\x0d\nb"],
    ["\u0085\u009b", String.raw`\x85\x9b`],
    ["exe.\u202egnp", String.raw`exe.\u202egnp`],
  ])("%j is shown as %s", (text, wanted) => {
    expect(printable(text)).toBe(wanted);
    expect(readable(Buffer.from(text).toString("latin1"))).toBe(wanted);
  });
});

describe("what leaves a method", () => {
  const thrownBy = (thrown: unknown): Promise<Error> =>
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever a method throws
    keepingSecrets([{}], () => Promise.reject(thrown)).then(
      () => new Error("nothing was thrown"),
      (caught: unknown) => caught as Error,
    );

  test.each([
    ["an error", new Error("EHLO <{%x%}>\u0007")],
    ["a text", "EHLO <{%x%}>\u0007"],
    [
      "an error of a host",
      new HostError("protocol", {
        ...{ host: "mx", during: "EHLO <{%x%}>\u0007", changed: "no", next: "" },
        reason: "",
      }),
    ],
  ])(
    "%s that is thrown has a printable message, and no stack that repeats it",
    async (_name, thrown) => {
      const error = await thrownBy(thrown);
      expect(error).toBeInstanceOf(Error);
      expect(error.message).toContain(String.raw`EHLO \x3c{%x%}>\x07`);
      expect(error.stack).not.toContain("<{%");
    },
  );

  test("what an error carries besides its message is kept", async () => {
    const thrown = Object.assign(new Error("<{%x%}>"), { id: "MainCf/etc", properties: { a: 1 } });
    expect(await thrownBy(thrown)).toMatchObject({ id: "MainCf/etc", properties: { a: 1 } });
  });

  test("a message is printable, and a secret in it is hidden", async () => {
    const inputs = { text: "open<{%sesame", secretPaths: ["text"] };
    const text = await keepingSecrets([inputs], () =>
      Promise.resolve(shown("is open<{%sesame <{%x%}>")),
    );
    expect(text).toMatch(/^is \[secret, 13 characters, hash [0-9a-f]{8}\] \\x3c\{%x%\}>$/);
  });
});

describe("values of a host", () => {
  test("are printable at any depth, names as well", () => {
    expect(shownValues({ a: ["<{%x%}>", { "\u001b": 1, b: null }], c: true })).toEqual({
      a: [String.raw`\x3c{%x%}>`, { "\\x1b": 1, b: null }],
      c: true,
    });
  });

  test("that are as the program has them stay as they are, so that they are equal", () => {
    const given = { text: "a\u001bb", entries: { "k\u001b": "v\u001b" } };
    expect(shownValues(given, given)).toEqual(given);
    expect(shownValues({ ...given, text: "a\u001bc" }, given)).toEqual({
      ...given,
      text: "a\\x1bc",
    });
  });
});

describe("arguments that the engine cannot show", () => {
  test.each([
    [{ parameters: { banner: "<{%x%}>" } }, "parameters.banner"],
    [{ entries: { "a b": ["ok", "<{%x%}>"] } }, 'entries["a b"][1]'],
    [{ entries: { "<{%x%}>": "ok" } }, "entries"],
  ])("%j fails at %s", (args, path) => {
    expect(unshowable(args, args).map((failure) => failure.path)).toEqual([path]);
  });

  test("others pass, and secrets, of which it shows nothing", () => {
    expect(unshowable({ a: ["<b>{%", null, 1, true] }, {})).toEqual([]);
    const args = { entries: { a: "<{%x%}>" } };
    expect(unshowable(args, { ...args, secretPaths: ["entries.a"] })).toEqual([]);
    expect(unshowable(args, { ...args, secretPaths: ["entries"] })).toEqual([]);
  });
});
