/** Answers doas(1) when it asks for a password. */
import type { RemoteProgram } from "./ssh/transport";

/** What the program says when it is root, in front of all output of the agent. */
const UNLOCKED = Buffer.from("\0unlocked\n", "latin1");
/** The question of doas(1) (doas.c), at the end of what came. */
const QUESTION = /(?:^|[\r\n])doas \([^()\r\n]*\) password: $/;
/** More than any refusal has. */
const maxOutput = 8 * 1024;

/**
 * Gives the password when doas asks for it, once, and returns when the program is root. Returns what doas said where it
 * refuses, or does not go on in time.
 */
export function unlock(
  { stdin, stdout, ended }: RemoteProgram,
  password: string,
  limitMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    let asked = 0;
    const seconds = Math.round(limitMs / 1000);
    const timer = setTimeout(
      () => finish(`doas did not go on within ${seconds} s. ${told()}`),
      limitMs,
    );
    const told = (): string =>
      heard
        .toString("latin1")
        .replace(/[\0-\x1f\x7f-\xff]+/g, " ")
        .trim();
    const finish = (refused: string | undefined): void => {
      clearTimeout(timer);
      // Nothing is lost that the next listener wants: the agent has not been sent yet, so it has said nothing.
      stdout.off("data", hear);
      resolve(refused);
    };
    const hear = (chunk: Buffer): void => {
      heard = Buffer.concat([heard, chunk]);
      if (heard.includes(UNLOCKED)) finish(undefined);
      else if (heard.length > maxOutput)
        finish(`doas did not ask for a password. ${told().slice(0, 200)}`);
      else if (QUESTION.test(heard.toString("latin1"))) {
        // A second question is a refusal of the answer to the first one.
        if (asked++ > 0) finish("doas: the password is not accepted");
        else stdin.write(`${password}\n`);
        heard = Buffer.alloc(0);
      }
    };
    stdout.on("data", hear);
    void ended.then(() => finish(`doas: ${told() || "it ended without a word"}`));
  });
}
