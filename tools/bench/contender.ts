/** What the bench compares: each keeps the same mail servers as they are, and says so by what it prints. */
import type { Command } from "./run";

/** One thing that is measured. */
export interface Task {
  /** By which the report names it: "preview --refresh". */
  readonly name: string;
  readonly command: Command;
  /** Why the output is not that of a run that did its work; `undefined` where it is. */
  readonly fault: (output: string) => string | undefined;
}

/** A program that administrates hosts. */
export interface Contender {
  /** By which `--only` names it. */
  readonly name: string;
  /** What it is, with its version. */
  readonly title: string;
  /** What it does on hosts that are as they shall be, to be repeated. */
  readonly tasks: readonly Task[];
  remove(): void;
}
