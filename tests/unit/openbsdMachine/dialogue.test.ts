/** The conversation with the installer: what is heard does not depend on how the line cuts what is said. */
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { Dialogue } from "../../../tools/openbsd-machine/dialogue";

const EXPECTED = [
  { name: "question", pattern: /what\? / },
  { name: "key", pattern: /^key: (.*)\n/m },
] as const;

/** What is heard of a text that comes in these pieces. */
async function heard(pieces: readonly string[]): Promise<string[]> {
  const input = new PassThrough();
  const dialogue = new Dialogue(input, new PassThrough(), () => undefined);
  const words: string[] = [];
  for (const piece of pieces) input.write(piece);
  input.end();
  for (;;) {
    const one = await dialogue.hear<"question" | "key">(EXPECTED, 10_000);
    if (one.name === "ended") return words;
    words.push(one.name === "key" && "match" in one ? `key ${one.match[1] ?? ""}` : one.name);
  }
}

test("each thing is heard once and in its order, however the line cuts the text", async () => {
  const part = fc.constantFrom("what? ", "key: abc\r\n", "noise\n", "wha", "key:", "\r\n");
  const cuts = fc.array(fc.nat(8), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 12 }), cuts, async (parts, lengths) => {
      const text = parts.join("");
      const pieces: string[] = [];
      let at = 0;
      for (const length of lengths) {
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      pieces.push(text.slice(at));
      expect(await heard(pieces.filter((piece) => piece !== ""))).toEqual(await heard([text]));
    }),
    { numRuns: 60 },
  );
  expect(await heard(["key: one\r\nwhat", "? key: two\nwhat? "])).toEqual([
    "key one",
    "question",
    "question",
  ]);
});

test("a silence is told, and what comes after it is still heard", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const dialogue = new Dialogue(input, output, () => undefined);
  expect(await dialogue.hear(EXPECTED, 20)).toEqual({ name: "silent" });
  input.write("what? ");
  expect((await dialogue.hear(EXPECTED, 10_000)).name).toBe("question");
  dialogue.answer("this");
  expect(String(output.read())).toBe("this\n");
});
