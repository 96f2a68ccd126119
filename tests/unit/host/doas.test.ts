/** The password for doas(1): sent when doas asks for it, once, and to no other question. */
import { PassThrough } from "node:stream";
import { unlock } from "../../../provider/host/doas";
import type { ProgramEnd } from "../../../provider/host/ssh/transport";

interface Played {
  readonly refused: string | undefined;
  readonly sent: string;
}

/** Plays what a terminal shows, each part when the one before has been dealt with. */
async function played(parts: readonly string[], end = false, limitMs = 200): Promise<Played> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let sent = "";
  stdin.on("data", (chunk: Buffer) => (sent += chunk.toString()));
  let finish: (end: ProgramEnd) => void = () => undefined;
  const ended = new Promise<ProgramEnd>((resolve) => (finish = resolve));
  const program = { stdin, stdout, stderr, ended, close: () => undefined };
  const answer = unlock(program, "good-secret", limitMs);
  for (const part of parts) {
    stdout.write(part, "latin1");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (end) finish({ code: 1, signal: null });
  return { refused: await answer, sent };
}

const question = "\rdoas (admin@mx1.example.org) password: ";

test.each<[string, readonly string[], string]>([
  ["it is asked for", [question, "\r\n", "\0unlocked\n"], "good-secret\n"],
  [
    "the question comes in pieces",
    ["Welcome\r\n\rdoas (admin", "@mx1) pass", "word: ", "\0unlocked\n"],
    "good-secret\n",
  ],
  ["none is asked for", ["\0unlocked\n"], ""],
])("is given where %s", async (_when, parts, sent) => {
  expect(await played(parts)).toEqual({ refused: undefined, sent });
});

test.each<[string, readonly string[]]>([
  ["another program asks", ["Password: "]],
  ["the question is not the end", [`${question}\r\nLast login: never\r\n`]],
  ["somebody quotes it", ["I say doas (a@b) password: "]],
  ["nothing comes", []],
])("is not sent where %s, and the wait has an end that it names", async (_when, parts) => {
  const { refused, sent } = await played(parts);
  expect(sent).toBe("");
  expect(refused).toContain("did not go on within");
});

test("is sent once: a second question is a refusal", async () => {
  const { refused, sent } = await played([question, question]);
  expect(refused).toContain("not accepted");
  expect(sent).toBe("good-secret\n");
});

test("is never in what is said of a refusal", async () => {
  const { refused } = await played([question, "\r\ndoas: Authentication failed\r\n"], true);
  expect(refused).toContain("Authentication failed");
  expect(refused).not.toContain("secret");
  expect((await played(["x".repeat(10_000)])).refused).toContain("did not ask");
});
