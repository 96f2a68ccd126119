/** What can go wrong between us and a host, as one class of error that says what to do next. */

/** Why something failed. */
export type HostErrorKind =
  /** Name not found, connection refused, or no answer in time. */
  | "unreachable"
  /** What answers cannot be talked to: no SSH, no common algorithm, no Perl. */
  | "protocol"
  | "hostKeyUnknown"
  | "hostKeyChanged"
  | "authRefused"
  /** The user is neither root nor allowed by doas. */
  | "notPrivileged"
  /** The connection broke. */
  | "lost"
  /** What stands on the host is not what the plan was made for. */
  | "conflict"
  /** The agent refused a request, or could not carry it out. */
  | "refused"
  | "deadline"
  /** Somebody else holds the host's write lock. */
  | "locked"
  /** A program failed, or is not there. */
  | "program";

/** Whether the host was changed before the error: by what this write section had done, or may have done. */
export type Changed = "no" | "unknown" | "yes";

export interface HostErrorDetails {
  /** `user@host:port`. */
  readonly host: string;
  /** What was being done, as a participle phrase: "writing /etc/mailer.conf". */
  readonly during: string;
  /** What came back. */
  readonly reason: string;
  readonly changed: Changed;
  /** What the user can do. */
  readonly next: string;
  /** Is the same attempt likely to succeed later, with nothing changed in the configuration? */
  readonly retriable?: boolean;
  /** With "hostKeyUnknown" and "hostKeyChanged": the key that the host showed, as `SHA256:…`. */
  readonly fingerprint?: string;
  /** With "locked": who holds it, as it said itself. */
  readonly holder?: string;
}

const changedText: Readonly<Record<Changed, string>> = {
  no: "Nothing was changed on the host by this.",
  unknown: "Whether it changed something on the host is not known; the next run looks again.",
  yes: "Changes made before that are in place.",
};

function sentence(text: string): string {
  const trimmed = text.trimEnd();
  return /[.!?:]$/.test(trimmed) || /\n$/.test(text) ? trimmed : `${trimmed}.`;
}

/** Everything that goes wrong between us and a host. The message is complete and made for users. */
export class HostError extends Error {
  override readonly name = "HostError";
  /** Survives two copies of this package in one process, unlike `instanceof`. */
  readonly __pulumiOpenbsdPostfixHostError = true;
  readonly host: string;
  readonly during: string;
  readonly reason: string;
  readonly changed: Changed;
  readonly retriable: boolean;
  readonly fingerprint: string | undefined;
  readonly holder: string | undefined;

  constructor(
    readonly kind: HostErrorKind,
    readonly details: HostErrorDetails,
  ) {
    const { host, during, reason, changed, next } = details;
    super(
      `${host}: ${during} failed: ${sentence(reason)}${/\n$/.test(reason) ? "\n" : " "}${changedText[changed]}${next === "" ? "" : ` ${sentence(next)}`}`,
    );
    this.host = host;
    this.during = during;
    this.reason = reason;
    this.changed = changed;
    this.retriable = details.retriable ?? kind === "unreachable";
    this.fingerprint = details.fingerprint;
    this.holder = details.holder;
    // The engine prints the stack: to users, where in our code it was thrown is noise.
    this.stack = this.message;
  }

  /** One line for where an error is only a note: what was tried and what came back. */
  get summary(): string {
    return `${this.host}: ${this.during} failed: ${sentence(this.reason)}`;
  }

  /** Is it one of ours, from whichever copy of the package? */
  static isInstance(value: unknown): value is HostError {
    return (
      typeof value === "object" &&
      value !== null &&
      (value as { __pulumiOpenbsdPostfixHostError?: unknown }).__pulumiOpenbsdPostfixHostError ===
        true
    );
  }

  /** The same error with a truer answer to whether the host was changed. */
  with(details: Partial<HostErrorDetails>): HostError {
    return new HostError(this.kind, { ...this.details, ...details });
  }
}

/** What was thrown, in words. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
