/**
 * What the rest of the provider knows of a host: facts that are read in one round trip, and, inside a
 * write section only, the changes. Nothing above this file knows SSH, the agent's wire format or Perl.
 */

import type { RelayedConnection } from "./relay";

/** Where a path stands, as `lstat(2)` sees it; `contents` are read when asked for. */
export type FileState =
  | { readonly type: "absent" }
  | {
      readonly type: "file";
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      /** Bytes as a latin1 string: one character for each byte. Absent when only `stat` was asked for. */
      readonly contents?: string;
      readonly sha256?: string;
      readonly size: number;
    }
  | {
      readonly type: "directory";
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly type: "symlink";
      readonly target: string;
      /** The path at the end of the chain of links; absent when it dangles. */
      readonly resolved?: string;
      /** What stands there. */
      readonly file?: FileState;
    }
  | { readonly type: "other"; readonly mode: number; readonly uid: number; readonly gid: number };

/** What came of a program: `signal` is its name without SIG when one ended it; both null when the deadline did. */
export interface RunResult {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** latin1 strings, one character a byte; capped at `outputLimit` with `truncated` set. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly timedOut: boolean;
}

/** What a probe may be told by its environment: where packages are looked for. */
export type ProbeEnvironment = { readonly PKG_PATH?: string };

/** One thing to look at. All facts of one `read` travel in one request. */
export type Fact =
  /** A path with its contents (`stat: true`: without). */
  | { readonly fact: "file"; readonly path: string; readonly stat?: boolean }
  /** Names in a folder, sorted; null when there is no such folder. */
  | { readonly fact: "list"; readonly path: string }
  /** Everything in a folder, itself included, sorted by path, without contents; null when nothing is there. */
  | { readonly fact: "tree"; readonly path: string }
  /** A program on the agent's own list of those that only look (`uname`, `postconf -n`, `rcctl get`, …). */
  | {
      readonly fact: "probe";
      readonly argv: readonly string[];
      readonly env?: ProbeEnvironment;
      /** Where it is started; for make(1) only, and in the ports tree only. */
      readonly cwd?: string;
      /** A path without which it is not started: the answer is `notFound`, as without the program. */
      readonly onlyWith?: string;
    }
  /** Up to `limit` bytes from `offset` (negative: from the end), and the file's size and inode; null when absent. */
  | {
      readonly fact: "tail";
      readonly path: string;
      readonly offset: number;
      readonly limit: number;
    }
  /** Is a user (group) of that name there, and which id. */
  | { readonly fact: "user" | "group"; readonly name: string }
  /** The first line that a TCP service says, or why there is none. */
  | {
      readonly fact: "banner";
      readonly host: string;
      readonly port: number;
      readonly timeoutMs: number;
    };

/** One thing in a tree, as `lstat(2)` sees it. */
export interface TreeEntry {
  /** Relative to the tree's folder; "" for that folder itself. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file. */
  readonly size?: number;
  readonly sha256?: string;
  /** Of a link. */
  readonly target?: string;
}

export interface TailState {
  readonly size: number;
  readonly inode: string;
  readonly contents: string;
}

/** The answer to each kind of fact. */
export interface FactAnswers {
  file: FileState;
  list: readonly string[] | null;
  tree: readonly TreeEntry[] | null;
  probe: RunResult | { readonly notFound: true };
  tail: TailState | null;
  user: { readonly uid: number; readonly gid: number; readonly home: string } | null;
  group: { readonly gid: number } | null;
  banner: { readonly line: string } | { readonly error: string };
}

/** Facts by name, and their answers by the same names. */
export type Facts = Readonly<Record<string, Fact>>;
export type Answers<F extends Facts> = { readonly [K in keyof F]: FactAnswers[F[K]["fact"]] };

/** What the machine says of itself when the agent starts. */
export interface SystemFacts {
  /** `uname -s`, `-r`, `-m`, `-n` as run on the host, e.g. "OpenBSD", "7.8", "amd64", "mx1.example.org". */
  readonly name: string;
  readonly release: string;
  readonly machine: string;
  readonly hostname: string;
  readonly perl: string;
  /** The user the agent runs as (0 after doas). */
  readonly uid: number;
}

/** A candidate configuration judged by the host's own tools, in a private folder that the same request removes. */
export interface Judgement {
  /** Files of the candidate, relative to the folder; contents in latin1. */
  readonly files: Readonly<Record<string, string>>;
  /** Folders to make, relative. */
  readonly folders?: readonly string[];
  /**
   * Programs to run, each from the agent's list of judges (`postconf`, `postfix check`, `postmap`, `postalias`);
   * `{dir}` in an argument or in a file's contents stands for the folder's path. `tty`: give it a terminal as
   * stderr (`postfix check` tells its reasons to a terminal only).
   */
  readonly commands: readonly { readonly argv: readonly string[]; readonly tty?: boolean }[];
}

/** A host that can be looked at and not changed: the type that `observe` gets. */
export interface HostReader {
  /** For messages: `user@host:port`. */
  readonly address: string;
  /** Fingerprint of the verified host key, `SHA256:…` as ssh-keygen prints it. */
  readonly fingerprint: string;
  readonly system: SystemFacts;
  read<F extends Facts>(facts: F): Promise<Answers<F>>;
  judge(candidate: Judgement): Promise<readonly (RunResult | { readonly notFound: true })[]>;
}

/** What must still be on disk for a write to go ahead: the SHA-256 of the contents, or that nothing is there. */
export type Expectation =
  { readonly sha256: string } | { readonly absent: true } | { readonly anything: true };

export interface WriteRequest {
  readonly path: string;
  /** latin1. */
  readonly contents: string;
  /** Taken from the file that is replaced when left out; 0644 root:wheel for a new one. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly expect: Expectation;
}

export type WriteOutcome =
  | { readonly written: true; readonly sha256: string }
  /** What was expected no longer stands there; nothing was changed. */
  | { readonly written: false; readonly found: FileState };

export interface RunRequest {
  readonly argv: readonly string[];
  /** Give it a terminal as stdout and stderr (both come back in stdout). */
  readonly tty?: boolean;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default 60 000. The whole process group is ended when it runs out. */
  readonly timeoutMs?: number;
}

/** A program that outlives the connection. `key` makes starting idempotent: the same key attaches to what runs. */
export interface JobRequest {
  readonly key: string;
  readonly argv: readonly string[];
  readonly cwd?: string;
}

export interface JobState {
  readonly state: "running" | "ended" | "lost";
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The log from the offset that was asked for, and where to go on. */
  readonly log: string;
  readonly offset: number;
}

/** One test message in a mailbox of the host. */
export interface MessageRequest {
  readonly kind: "mbox" | "maildir";
  /** The mbox file, or the maildir's folder. */
  readonly path: string;
  /** Whose it is. */
  readonly uid: number;
  readonly gid: number;
  /** It lies in a folder of mailboxes, not in the user's own. */
  readonly spool: boolean;
  /** Its Message-Id, without angle brackets. */
  readonly messageId: string;
  /** Messages whose Message-Id is hexadecimal digits at this domain were left by earlier runs: they go as well. */
  readonly domain: string;
  /** Leave the message there. */
  readonly keep: boolean;
  /** The mailbox came with the message: when it is empty after all, it goes as well. */
  readonly created: boolean;
  /** What local(8) locks an mbox with, as mailbox_delivery_lock has it. */
  readonly locks: string;
  /** How long to wait for the locks. */
  readonly timeoutMs: number;
}

export interface MessageFound {
  readonly found: boolean;
  /** The message's headers (latin1), when it was found. */
  readonly headers: string;
  /** How many messages of earlier runs were removed. */
  readonly stale: number;
}

/** The host inside a write section: the section's lock is held. */
export interface HostWriter extends HostReader {
  write(request: WriteRequest): Promise<WriteOutcome>;
  /** Removes a file or link; a folder when it is empty. */
  remove(path: string, expect: Expectation): Promise<WriteOutcome>;
  makeDirectory(path: string, mode: number, uid?: number, gid?: number): Promise<void>;
  run(request: RunRequest): Promise<RunResult>;
  startJob(request: JobRequest): Promise<JobState>;
  pollJob(key: string, offset: number): Promise<JobState>;
  forgetJob(key: string): Promise<void>;
  /**
   * Connects from the host to a TCP service there; `host` is an address or "localhost". The connection is closed with
   * the write section, and after `timeoutMs` in any case.
   */
  connect(host: string, port: number, timeoutMs: number): Promise<RelayedConnection>;
  /**
   * Makes the tree at `to` like the one at `from`, as `cp -R` by root: missing and different files are copied on the
   * host, extra ones removed. `expect`: the digest of the tree that stands at `to` (treeDigest). False when another
   * one does; nothing was changed then.
   */
  copyTree(from: string, to: string, expect: string): Promise<boolean>;
  /** Removes a tree, but for the paths in it that are to be kept; `expect` and the answer as with copyTree. */
  pruneTree(path: string, keep: readonly string[], expect: string): Promise<boolean>;
  /** Gives what stands at a path another name, at which nothing stands, on the same file system. */
  move(from: string, to: string): Promise<void>;
  takeMessage(request: MessageRequest): Promise<MessageFound>;
}

export interface Host extends HostReader {
  /**
   * Runs `work` while holding the host's one write lock. Waits for the lock up to `waitMs` (default 300 000), then
   * fails naming the holder. Outside a section the agent refuses every change.
   */
  change<T>(purpose: string, work: (host: HostWriter) => Promise<T>, waitMs?: number): Promise<T>;
}
/** The contents behind a path, through a link; `undefined` where there is no file. */
export function contentsOf(state: FileState): string | undefined {
  const file = state.type === "symlink" ? state.file : state;
  return file?.type === "file" ? (file.contents ?? "") : undefined;
}
