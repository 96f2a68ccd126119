/** The error for all that goes wrong with a host. Its message is complete: users need nothing else to act on it. */

/** Why something failed. */
export type HostErrorKind =
  /** Name not found, connection refused, or no answer in time. */
  | "unreachable"
  /** The other side speaks no SSH, has no algorithm in common, or no Perl. */
  | "protocol"
  | "hostKeyUnknown"
  | "hostKeyChanged"
  | "authRefused"
  /** The user is neither root nor allowed by doas. */
  | "notPrivileged"
  /** The connection broke. */
  | "lost"
  /** The host is not as the plan found it. */
  | "conflict"
  /** The agent refused a request, or could not carry it out. */
  | "refused"
  /** Something took too long. */
  | "deadline"
  /** What was to be done before it, in the same write section, has failed. */
  | "skipped"
  /** Another process holds the host's write lock. */
  | "locked"
  /** A program on the host failed, or is missing. */
  | "program";

/** Whether the write section had changed the host before the error. */
export type Changed = "no" | "unknown" | "yes";

export interface HostErrorDetails {
  /** `user@host:port`. */
  readonly host: string;
  /** What failed: "writing /etc/mailer.conf". */
  readonly during: string;
  /** Why it failed. */
  readonly reason: string;
  readonly changed: Changed;
  /** What the user can do; "" for nothing in particular. */
  readonly next: string;
  /** Whether the same attempt may succeed later. */
  readonly retriable?: boolean;
  /** Of "hostKeyUnknown" and "hostKeyChanged": the key that the host showed, as `SHA256:…`. */
  readonly fingerprint?: string;
  /** Of "locked": the holder of the lock, as it describes itself. */
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
    // The engine prints the stack, in which the lines of this package mean nothing to users.
    this.stack = this.message;
  }

  /** The message without what to do, for places where the error is only a note. */
  get summary(): string {
    return `${this.host}: ${this.during} failed: ${sentence(this.reason)}`;
  }

  /** Like `instanceof`, but also true for an error of another copy of this package. */
  static isInstance(value: unknown): value is HostError {
    return (
      typeof value === "object" &&
      value !== null &&
      (value as { __pulumiOpenbsdPostfixHostError?: unknown }).__pulumiOpenbsdPostfixHostError ===
        true
    );
  }

  /** A copy with other details. */
  with(details: Partial<HostErrorDetails>): HostError {
    return new HostError(this.kind, { ...this.details, ...details });
  }
}

/** The message of a thrown value. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
