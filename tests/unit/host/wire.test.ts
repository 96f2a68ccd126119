import fc from "fast-check";
import {
  decode,
  encodeFrame,
  FrameReader,
  toBytes,
  toText,
  WireError,
  type WireValue,
} from "../../../provider/host/wire";
import { Sandbox } from "./localAgent";

const bytes = fc
  .uint8Array({ maxLength: 40 })
  .map((array) => Buffer.from(array).toString("latin1"));

const { value } = fc.letrec<{ value: WireValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    bytes,
    fc.maxSafeInteger().filter((number) => Math.abs(number) < 1e15),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(bytes, tie("value"), { maxKeys: 4 }),
  ),
}));

const same = (a: WireValue, b: WireValue) => {
  // -0 and 0 are one integer on the wire; dictionaries have no prototype that counts.
  expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)));
};

test("what is decoded is what was encoded", () => {
  fc.assert(fc.property(value, (given) => same(decode(encodeFrame(given).subarray(4)), given)));
});

test("frames come out whole, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(50), { minLength: 1, maxLength: 50 }),
      (values, cuts) => {
        const stream = Buffer.concat(values.map(encodeFrame));
        const reader = new FrameReader();
        const found: WireValue[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = (cuts[turn % cuts.length] ?? 0) + 1;
          for (const body of reader.push(stream.subarray(at, at + size))) found.push(decode(body));
          at += size;
        }
        expect(found).toHaveLength(values.length);
        values.forEach((given, index) => same(found[index] ?? null, given));
      },
    ),
  );
});

test.each([
  ["nothing", ""],
  ["a cut string", "5:abc"],
  ["a length that is no number", "x:abc"],
  ["an integer without end", "i5"],
  ["an integer with a point", "i1.5e"],
  ["a list without end", "l1:a"],
  ["a key that is no string", "di1e1:ae"],
  ["something after the value", "1:ab"],
  ["a nest too deep", "l".repeat(100) + "e".repeat(100)],
])("%s is refused and not guessed", (_what, text) => {
  expect(() => decode(Buffer.from(text, "latin1"))).toThrow(WireError);
});

test("a character that is not one byte is an error, not a silent loss", () => {
  expect(() => encodeFrame("Gruß 🙂")).toThrow(WireError);
  expect(toText(toBytes("Gruß 🙂"))).toBe("Gruß 🙂");
  expect(decode(encodeFrame(toBytes("Gruß 🙂")).subarray(4))).toBe(toBytes("Gruß 🙂"));
});

test("a number that is not an integer is an error", () => {
  expect(() => encodeFrame(1.5)).toThrow(WireError);
  expect(() => encodeFrame(Number.NaN)).toThrow(WireError);
});

test("a frame that claims to be huge is refused before it is waited for", () => {
  expect(() => new FrameReader().push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow(WireError);
});

test("Perl reads and writes the same bytes as we do", async () => {
  const box = new Sandbox();
  const { client } = await box.agent();
  await client.change("echo", async (host) => {
    const path = box.in("echo");
    const check = async (contents: string): Promise<void> => {
      await host.write({ path, contents, expect: { anything: true } });
      expect(await host.read({ file: { fact: "file", path } })).toMatchObject({
        file: { contents },
      });
    };
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (array) => {
        await check(Buffer.from(array).toString("latin1"));
      }),
      { numRuns: 25 },
    );
    const every = Buffer.from(Array.from({ length: 256 }, (_, index) => index)).toString("latin1");
    await check(every);
  });
  await box.clean();
});
