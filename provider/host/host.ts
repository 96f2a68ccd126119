/**
 * A host as the rest of the provider sees it: facts, of which one request reads many, and changes, which only a write
 * section can make. SSH, the agent and its wire format stay below this interface.
 */

import type { FileDigest, FileStat, FileState } from "./fileState";
import type { RelayedConnection } from "./tcpRelay";

export {
  contentsOf,
  type FileDigest,
  type FileStat,
  type FileState,
  type FoundFile,
  digestOf,
  fileAt,
  isRead,
} from "./fileState";

/** How a program ended: by its exit code, by a signal, or, when both are null, by its deadline. */
export interface RunResult {
  readonly exitCode: number | null;
  /** Without SIG. */
  readonly signal: string | null;
  /** Bytes as in {@link FileState}; after 4 MB the rest is dropped, and `truncated` is set. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly timedOut: boolean;
}

/** The one variable that a probe may be given: where pkg_info(1) looks for packages. */
export type ProbeEnvironment = { readonly PKG_PATH?: string };

/** Something to read from a host. All facts of one `read` travel in one request. */
export type Fact =
  /** What is at a path, with the contents of a file. */
  | { readonly fact: "file"; readonly path: string }
  /** What is at a path, with the digest of a file, whose contents stay on the host. */
  | { readonly fact: "digest"; readonly path: string }
  /** The certificates in a file, and the labels of all its parts; null when there is no file. No private key is told. */
  | { readonly fact: "pem"; readonly path: string }
  /** What is at a path, by lstat(2) alone. */
  | { readonly fact: "stat"; readonly path: string }
  /**
   * Whether a file can be written, as far as can be seen without trying. With `entry` only whether a name can be made,
   * renamed or removed in the folder.
   */
  | { readonly fact: "place"; readonly path: string; readonly entry?: boolean }
  /** The names in a folder, sorted; null when there is no such folder. */
  | { readonly fact: "list"; readonly path: string }
  /** Everything in and under a folder, and the folder itself, sorted by path; null when nothing is there. */
  | { readonly fact: "tree"; readonly path: string }
  /** How many files are below a folder, of which none is read; null when nothing is there. */
  | { readonly fact: "count"; readonly path: string }
  /** The output of a program that changes nothing: one of the list in agent.pl (`uname`, `postconf -n`, …). */
  | {
      readonly fact: "probe";
      readonly argv: readonly string[];
      readonly env?: ProbeEnvironment;
      /** The folder to start it in: for make(1) only, and only one of the ports tree. */
      readonly cwd?: string;
      /** A path without which the program is not run; the answer is `notFound` then. */
      readonly onlyWith?: string;
    }
  /** Up to `limit` bytes of a file from `offset`, which counts from the end when negative; null without the file. */
  | {
      readonly fact: "tail";
      readonly path: string;
      readonly offset: number;
      readonly limit: number;
    }
  /** The ids of a user or group; null when there is none of that name. */
  | { readonly fact: "user" | "group"; readonly name: string }
  /** The first line that a TCP service sends, or why there is none. */
  | {
      readonly fact: "banner";
      readonly host: string;
      readonly port: number;
      readonly timeoutMs: number;
    };

/** A file, folder or link in a tree, by `lstat(2)`. */
export interface TreeEntry {
  /** Relative to the top of the tree; "" for the top itself. */
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

/** The files below a folder. */
export interface FileCount {
  /** Regular files, at any depth; no link is followed. */
  readonly files: number;
  /** Maildirs, by their folders `cur`. */
  readonly maildirs: number;
  /** There is more below it than was counted. */
  readonly more: boolean;
}

/** The path without links; or why it cannot be changed. */
export type PlaceState =
  | { readonly real: string }
  | {
      readonly reason: string;
      /** The folder does not exist, and nothing else is wrong: an earlier step may bring it. */
      readonly noFolder: boolean;
    };

/** What may be told of a file with certificates and private keys (PEM). */
export interface PemState {
  /** The labels of its parts in their order, as "CERTIFICATE" and "PRIVATE KEY". */
  readonly labels: readonly string[];
  /** Is a private key in it encrypted? */
  readonly encrypted: boolean;
  /** The texts of its certificates, in their order. */
  readonly certificates: string;
}

export interface TailState {
  readonly size: number;
  readonly inode: string;
  readonly contents: string;
}

/** The answer to each kind of fact. */
export interface FactAnswers {
  file: FileState;
  digest: FileDigest;
  pem: PemState | null;
  stat: FileStat;
  place: PlaceState;
  list: readonly string[] | null;
  tree: readonly TreeEntry[] | null;
  count: FileCount | null;
  probe: RunResult | { readonly notFound: true };
  tail: TailState | null;
  user: { readonly uid: number; readonly gid: number; readonly home: string } | null;
  group: { readonly gid: number } | null;
  banner: { readonly line: string } | { readonly error: string };
}

/** Facts by name, and their answers by the same names. */
export type Facts = Readonly<Record<string, Fact>>;
export type Answers<F extends Facts> = { readonly [K in keyof F]: FactAnswers[F[K]["fact"]] };

/** The system that the agent runs on. */
export interface SystemFacts {
  /** The output of `uname -s`, `-r`, `-m` and `-n`: "OpenBSD", "7.8", "amd64", "mx1.example.org". */
  readonly name: string;
  readonly release: string;
  readonly machine: string;
  readonly hostname: string;
  readonly perl: string;
  /** The user as whom the agent runs: 0, also when it was started through doas(1). */
  readonly uid: number;
  /** The host's public keys as its files have them, bytes as text. They are what the host says of itself. */
  readonly hostKeys: readonly string[];
}

/** A candidate configuration for the host's own tools to check, in a private folder that exists only for that. */
export interface Judgement {
  /** Contents of the files by their paths in the folder. */
  readonly files: Readonly<Record<string, string>>;
  /** Further folders by their paths in the folder, each with its owner; root's, if the host has no such account. */
  readonly folders?: Readonly<Record<string, string>>;
  /**
   * Programs to run, of those that the agent allows here: `postconf`, `postfix check`, `postmap`, `postalias`.
   * `{dir}` in an argument or in the contents of a file stands for the path of the folder. With `tty` the error
   * output is a terminal: before Postfix 3.8 `postfix check` gives its reasons only to one.
   */
  readonly commands: readonly {
    readonly argv: readonly string[];
    readonly tty?: boolean;
    /**
     * The place in the list of an earlier command: this one runs only if that one had something to say, by its status or
     * on its error output.
     */
    readonly ifSaid?: number;
  }[];
}

export type JudgementCommand = Judgement["commands"][number];

/** What became of a {@link JudgementCommand}. `needless` was not run: the command that it waited for said nothing. */
export type JudgementAnswer = RunResult | { readonly notFound: true } | { readonly needless: true };

/** A host without the means to change it. */
export interface HostReader {
  /** `user@host:port`, for messages. */
  readonly address: string;
  /** The fingerprint of the verified host key as ssh-keygen(1) prints it: `SHA256:…`. */
  readonly fingerprint: string;
  /** The fingerprints of all of the host's keys, in the order of the alphabet. The verified one is among them. */
  readonly fingerprints: readonly string[];
  readonly system: SystemFacts;
  read<F extends Facts>(facts: F): Promise<Answers<F>>;
  judge(candidate: Judgement): Promise<readonly JudgementAnswer[]>;
}

/** What must be at a path for a change to go ahead: contents with this SHA-256, nothing, or anything. */
export type Expectation =
  { readonly sha256: string } | { readonly absent: true } | { readonly anything: true };

export type WriteRequest = WriteTarget & (WrittenBytes | CopiedBytes);

/** Bytes as in {@link FileState}. */
interface WrittenBytes {
  readonly contents: string;
}

/** The bytes of another file of the host, which stay on the host. Nothing is written if it has another digest. */
interface CopiedBytes {
  readonly from: string;
  readonly sha256: string;
}

interface WriteTarget {
  readonly path: string;
  /** Default: mode and owner of the file that is replaced, or 0644 and root:wheel. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly expect: Expectation;
}

export type WriteOutcome =
  | { readonly written: true; readonly sha256: string }
  /** Something else than expected is there; nothing was changed. */
  | { readonly written: false; readonly found: FileState };

export interface RunRequest {
  readonly argv: readonly string[];
  /** Give the program a terminal as standard output and error; both come back in `stdout`. */
  readonly tty?: boolean;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** After that its whole process group is ended. @default 60 000 */
  readonly timeoutMs?: number;
}

/** A program that outlives the connection. Starting the job of a key that has one already starts nothing. */
export interface JobRequest {
  readonly key: string;
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface JobState {
  /** "lost": nothing runs any more, and nothing tells how the program ended. */
  readonly state: "running" | "ended" | "lost";
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The log from the offset of the request on, and the offset of what comes next. */
  readonly log: string;
  readonly offset: number;
}

/** A file that a watch puts back. */
export interface WatchedFile {
  readonly path: string;
  /** Bytes as in {@link FileState}; `null` for a file that is to be removed. */
  readonly contents: string | null;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** What the change that is watched leaves there. A file that is neither this nor as it was before belongs to somebody else. */
  readonly expect: Expectation;
  /** It tells of the service and is not part of it, as the record: it is written where it can be. */
  readonly note?: boolean;
}

/**
 * A dead-man switch on the host: unless it is disarmed in time, files are put back, and programs run that have the service
 * serve by them, also when the line or this process is gone. Arming takes the place of an earlier one.
 */
export interface WatchRequest {
  /** What is watched, for the outcome. */
  readonly purpose: string;
  readonly withinMs: number;
  readonly files: readonly WatchedFile[];
  readonly commands: readonly (readonly string[])[];
  /** The file on which the service holds a lock (flock(2)) while it runs. */
  readonly unlessLocked: string;
  /** Act also where the service runs; else only where it does not. */
  readonly always: boolean;
  /** Does the last program start the service itself? Then it is run until the service holds its lock. */
  readonly again: boolean;
  /** The key of a job that must have ended before. */
  readonly after?: string;
}

/** What became of a watch. */
export interface WatchEnd {
  /** "armed": it still waited; "lost": it has ended with the host, as by a reboot; "acted": see the outcome. */
  readonly was: "none" | "armed" | "lost" | "acted";
  /**
   * Of a watch that has acted: the word that says what it did, then a line for each path, the time, and its purpose. Of
   * another one its purpose.
   */
  readonly outcome: string;
}

/** A test message to look for in a mailbox of the host, and to remove. */
export interface MessageRequest {
  readonly kind: "mbox" | "maildir";
  /** The file of the mbox, or the folder of the maildir. */
  readonly path: string;
  /** The owner of the mailbox. */
  readonly uid: number;
  readonly gid: number;
  /** Whether the mailbox is in a folder of many users' mailboxes. */
  readonly spool: boolean;
  /** The message's Message-Id, without angle brackets. */
  readonly messageId: string;
  /** Messages with hexadecimal digits at this domain as Message-Id are left from earlier runs and removed, too. */
  readonly domain: string;
  /** Whether the message is to stay. */
  readonly keep: boolean;
  /** Whether the message created the mailbox, which is then removed when it is empty. */
  readonly created: boolean;
  /** How local(8) locks an mbox: mailbox_delivery_lock of postconf(5). */
  readonly locks: string;
  /** How long to wait for the locks. */
  readonly timeoutMs: number;
}

export interface MessageFound {
  readonly found: boolean;
  /** The message's headers (latin1), when it was found. */
  readonly headers: string;
  /** The number of messages of earlier runs that were removed. */
  readonly stale: number;
}

/** A file of no more bytes is written in one request. */
export const MAX_AT_ONCE = 4 * 1024 * 1024;

/** A host inside a write section, which holds the host's write lock. */
export interface HostWriter extends HostReader {
  /**
   * The number of requests of this write section, or of this view of it, that have changed the host, or may have. A file that was not written,
   * because the host refused it or had another one there, does not count; a program that ran does, whatever it did.
   */
  readonly attempts: number;
  /**
   * The same section, for requests that are sent without waiting for the replies to those before them. The host carries each
   * out only once the one before it has done what was asked; else it is refused, as "skipped". What takes more than one
   * request ({@link MAX_AT_ONCE}) must be waited for.
   */
  inOrder(): HostWriter;
  /**
   * The same section, for requests that the host carries out only once the last one of this order has done what was asked;
   * among each other they have no order.
   */
  behind(): HostWriter;
  write(request: WriteRequest): Promise<WriteOutcome>;
  /** Removes a file, a link or an empty folder. */
  remove(path: string, expect: Expectation): Promise<WriteOutcome>;
  /** Sets the owner and the mode of a file, and its time to now; the file stays the same one. */
  setAttributes(path: string, mode: number, uid: number, gid: number): Promise<void>;
  makeDirectory(path: string, mode: number, uid?: number, gid?: number): Promise<void>;
  run(request: RunRequest): Promise<RunResult>;
  startJob(request: JobRequest): Promise<JobState>;
  /** The state of a job; of one that runs, once it has ended or `waitMs` have passed. @param waitMs 0 unless given */
  pollJob(key: string, offset: number, waitMs?: number): Promise<JobState>;
  forgetJob(key: string): Promise<void>;
  /** Returns what became of an earlier watch. */
  arm(request: WatchRequest): Promise<WatchEnd>;
  /** Ends a watch, or what is left of one, and says what became of it. */
  disarm(): Promise<WatchEnd>;
  /**
   * Connects from the host to a TCP service; `host` is an address or "localhost". The connection is closed at the end
   * of the write section, or when `timeoutMs` have passed.
   */
  connect(host: string, port: number, timeoutMs: number): Promise<RelayedConnection>;
  /**
   * Makes the tree at `to` equal to the one at `from`, with the owners and modes that `cp -R` by root would give it.
   *
   * @param expect - the digest (treeDigest) of the tree that is at `to` now
   * @returns false when another tree is there; nothing was changed then
   */
  copyTree(from: string, to: string, expect: string): Promise<boolean>;
  /** Removes a tree except the paths in `keep`; the rest is as with {@link copyTree}. */
  pruneTree(path: string, keep: readonly string[], expect: string): Promise<boolean>;
  /**
   * Removes a folder that may belong to another user, with everything below it; links are not followed.
   *
   * @param files - whether regular files go as well
   * @returns false where a regular file is below it that may not go; no file has gone then
   */
  removeFolder(path: string, files: boolean): Promise<boolean>;
  /** Renames a file or folder to a path on the same file system at which nothing is. */
  move(from: string, to: string): Promise<void>;
  takeMessage(request: MessageRequest): Promise<MessageFound>;
}

export interface Host extends HostReader {
  /** What the user must be told of the connection, every time. */
  readonly warnings: readonly string[];
  /**
   * Runs `work` in a write section. A host has one at a time; when another one does not end within `waitMs` (default
   * 300 000), the error names its holder.
   */
  change<T>(purpose: string, work: (host: HostWriter) => Promise<T>, waitMs?: number): Promise<T>;
  /** The same, with what a look shows. The look is taken in the section, and travels with the request for it. */
  lookAndChange<T, S>(
    purpose: string,
    look: (host: HostReader) => Promise<S>,
    work: (host: HostWriter, seen: S) => Promise<T>,
  ): Promise<T>;
}
