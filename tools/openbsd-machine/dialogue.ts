/** A conversation with a program on the other end of a line: waits for what it prints, and answers. */
import { StringDecoder } from "node:string_decoder";
import type { Readable, Writable } from "node:stream";

/** What is looked for in the text since the last match. */
export interface Expectation<Name extends string> {
  readonly name: Name;
  readonly pattern: RegExp;
}

/** How a wait has ended: with a match, with the end of the program, or with too long a silence. */
export type Heard<Name extends string> =
  { readonly name: Name; readonly match: RegExpExecArray } | { readonly name: "ended" | "silent" };

/** Reads all that comes over a line, and remembers what was not matched yet. */
export class Dialogue {
  private text = "";
  /** How much of the text was matched already. */
  private read = 0;
  private over = false;
  private wake: () => void = () => undefined;

  /** @param onText - Is given all that comes. */
  constructor(
    input: Readable,
    private readonly output: Writable,
    onText: (text: string) => void,
  ) {
    const decoder = new StringDecoder("latin1");
    input.on("data", (chunk: Buffer) => {
      const text = decoder.write(chunk);
      onText(text);
      this.text += text.replace(/\r/g, "");
      this.wake();
    });
    input.once("close", () => {
      this.over = true;
      this.wake();
    });
  }

  /**
   * Waits for the first of these. Of several that have come already, the one that stands first in the text counts.
   *
   * @param silenceMs - How long nothing at all may come.
   */
  async hear<Name extends string>(
    expectations: readonly Expectation<Name>[],
    silenceMs: number,
  ): Promise<Heard<Name>> {
    for (;;) {
      const found = this.match(expectations);
      if (found !== undefined) return found;
      if (this.over) return { name: "ended" };
      if (!(await this.more(silenceMs))) return { name: "silent" };
    }
  }

  /** Types a line. */
  answer(line: string): void {
    this.output.write(`${line}\n`);
  }

  private match<Name extends string>(
    expectations: readonly Expectation<Name>[],
  ): Heard<Name> | undefined {
    const found = expectations
      .map(({ name, pattern }) => ({ name, match: this.next(pattern) }))
      .filter((one): one is { name: Name; match: RegExpExecArray } => one.match !== null)
      .sort((one, other) => one.match.index - other.match.index)[0];
    if (found !== undefined) this.read = found.match.index + found.match[0].length;
    return found;
  }

  /** The first match behind what was read. The text before that still tells where a line begins. */
  private next({ source, flags }: RegExp): RegExpExecArray | null {
    const pattern = new RegExp(source, `${flags}g`);
    pattern.lastIndex = this.read;
    return pattern.exec(this.text);
  }

  private more(silenceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), silenceMs);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = () => undefined;
        resolve(true);
      };
    });
  }
}
