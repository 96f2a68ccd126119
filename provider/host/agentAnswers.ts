/** Turns answers of the agent into the types of host.ts. Each answer is checked: a wrong shape is a WireError. */
import type {
  Fact,
  FactAnswers,
  FileCount,
  FileDigest,
  FileStat,
  FileState,
  JobState,
  JudgementAnswer,
  MessageFound,
  RunResult,
  SystemFacts,
  TreeEntry,
  WatchEnd,
  WriteOutcome,
} from "./host";
import { toText, WireError, type WireValue } from "./wire";

type Dictionary = { readonly [key: string]: WireValue };

/** Reads one value of an answer; `what` names it in the error. */
type Reader<T> = (value: WireValue | undefined, what: string) => T;

function lacks(what: string): WireError {
  return new WireError(`the agent's answer lacks ${what}`);
}

/** The value as a dictionary. @throws WireError that says `what` was expected */
export function dictionaryOf(value: WireValue | undefined, what: string): Dictionary {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw lacks(what);
  return value as Dictionary;
}

const string: Reader<string> = (value, what) => {
  if (typeof value !== "string") throw lacks(`the string ${what}`);
  return value;
};

const number: Reader<number> = (value, what) => {
  if (typeof value !== "number") throw lacks(`the number ${what}`);
  return value;
};

const flag: Reader<boolean> = (value) => value === true;

const message: Reader<string> = (value, what) => toText(string(value, what));

function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, what) => (value === null ? null : read(value, what));
}

function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value, what) => (value === undefined ? undefined : read(value, what));
}

function list<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value, what) => {
    if (!Array.isArray(value)) throw lacks(`the list ${what}`);
    return (value as readonly WireValue[]).map((one) => item(one, what));
  };
}

function oneOf<T extends string>(...known: readonly T[]): Reader<T> {
  return (value, what) => {
    const found = known.find((one) => one === value);
    if (found === undefined) throw lacks(`a known ${what}`);
    return found;
  };
}

/** A dictionary with these values, and without those that are optional and left out. */
function shape<T extends object>(
  what: string,
  fields: { readonly [K in keyof T]-?: Reader<T[K] | undefined> },
): (value: WireValue | undefined) => T {
  return (value) => {
    const found = dictionaryOf(value, what);
    const entries = Object.entries<Reader<unknown>>(fields).map(
      ([name, read]) => [name, read(found[name], name)] as const,
    );
    return Object.fromEntries(entries.filter(([, one]) => one !== undefined)) as T;
  };
}

/** The answer to hello. */
export const systemFactsOf = shape<SystemFacts>("the system's facts", {
  name: string,
  release: string,
  machine: string,
  hostname: string,
  perl: string,
  uid: number,
  hostKeys: list(string),
});

const owner = { mode: number, uid: number, gid: number };

const seenFile = { ...owner, size: number };

/** Reads what is at a path; `ofFile` reads what is known of a regular file. */
function pathState<S extends FileStat>(ofFile: Reader<object>): Reader<S> {
  const read: Reader<S> = (value) => {
    const type = string(dictionaryOf(value, "a file's state").type, "type");
    if (!Object.hasOwn(states, type))
      throw new WireError(`the agent's answer has the unknown file type '${type}'`);
    return { type, ...states[type as FileStat["type"]](value, type) } as S;
  };
  const states: Readonly<Record<FileStat["type"], Reader<object>>> = {
    absent: () => ({}),
    directory: shape("a folder's state", owner),
    other: shape("a path's state", owner),
    symlink: shape("a link's state", {
      target: string,
      resolved: optional(string),
      file: optional(read),
    }),
    file: ofFile,
  };
  return read;
}

const statOf = pathState<FileStat>(shape("a file's state", seenFile));

const digestOf = pathState<FileDigest>(shape("a file's digest", { ...seenFile, sha256: string }));

const readFileOf = shape<{
  readonly size: number;
  readonly contents?: string;
  readonly uncarried?: string;
  readonly sha256?: string;
}>("a file's state", {
  ...seenFile,
  contents: optional(string),
  /** In the place of contents that are too large for this answer: the path of the file. */
  uncarried: optional(string),
  sha256: optional(string),
});

const fileStateOf = pathState<FileState>((value, what) => {
  const { contents, uncarried, ...file } = readFileOf(value);
  if (contents !== undefined) return { ...file, contents };
  return { ...file, contents: { tooLarge: string(uncarried, what), size: file.size } };
});

/** The result of a program. */
export const runResultOf = shape<RunResult>("a program's result", {
  exitCode: nullable(number),
  signal: nullable(string),
  stdout: string,
  stderr: string,
  truncated: flag,
  timedOut: flag,
});

type ProbeResult = FactAnswers["probe"];

/** The result of a program that may be missing on the host. */
function probeResultOf(value: WireValue | undefined): ProbeResult {
  return dictionaryOf(value, "a program's result").notFound === true
    ? { notFound: true }
    : runResultOf(value);
}

/** The answer to judge. */
export function judgementsOf(value: WireValue): readonly JudgementAnswer[] {
  return list(judgementAnswerOf)(value, "of results");
}

function judgementAnswerOf(value: WireValue | undefined): JudgementAnswer {
  return dictionaryOf(value, "a program's result").needless === true
    ? { needless: true }
    : probeResultOf(value);
}

const treeEntryOf = shape<TreeEntry>("an entry of a tree", {
  path: string,
  type: oneOf("file", "directory", "symlink", "other"),
  ...owner,
  size: optional(number),
  sha256: optional(string),
  target: optional(string),
});

const countOf = shape<FileCount>("a count", { files: number, maildirs: number, more: flag });

const bannerOf = shape<{ readonly line?: string; readonly error?: string }>("a banner", {
  line: optional(string),
  error: optional(message),
});

/** Reads the answer to each kind of fact. */
const factAnswers: { readonly [F in Fact["fact"]]: Reader<FactAnswers[F]> } = {
  file: fileStateOf,
  digest: digestOf,
  stat: statOf,
  pem: nullable(
    shape("a file's certificates", { labels: list(string), encrypted: flag, certificates: string }),
  ),
  place: (value) => {
    const { real, reason, noFolder } = dictionaryOf(value, "a place");
    return real === undefined
      ? { reason: message(reason, "reason"), noFolder: noFolder === true }
      : { real: string(real, "real") };
  },
  list: nullable(list(string)),
  tree: nullable(list(treeEntryOf)),
  count: nullable(countOf),
  probe: probeResultOf,
  tail: nullable(shape("a file's tail", { size: number, inode: string, contents: string })),
  user: nullable(shape("a user", { uid: number, gid: number, home: string })),
  group: nullable(shape("a group", { gid: number })),
  banner: (value) => {
    const { line, error = "" } = bannerOf(value);
    return line === undefined ? { error } : { line };
  },
};

/** The answer to one fact of read. */
export function factAnswerOf(
  { fact }: Fact,
  value: WireValue | undefined,
): FactAnswers[Fact["fact"]] {
  if (value === undefined) throw lacks("a fact of the request");
  return factAnswers[fact](value, fact);
}

/** The answer to write and remove. */
export function writeOutcomeOf(value: WireValue): WriteOutcome {
  const outcome = dictionaryOf(value, "an outcome");
  return outcome.written === true
    ? { written: true, sha256: string(outcome.sha256, "sha256") }
    : { written: false, found: fileStateOf(outcome.found, "found") };
}

/** The answer to disarm. */
export const watchEndOf = shape<WatchEnd>("a watch's end", {
  was: oneOf("none", "armed", "lost", "acted"),
  outcome: string,
});

/** The answer to startJob and pollJob. */
export const jobStateOf = shape<JobState>("a job's state", {
  state: oneOf("running", "ended", "lost"),
  exitCode: nullable(number),
  signal: nullable(string),
  log: string,
  offset: number,
});

/** The answer to upload: its number. */
export function uploadOf(value: WireValue): number {
  return number(dictionaryOf(value, "an upload").upload, "upload");
}

/** The answer to candidate: its number. */
export function candidateOf(value: WireValue): number {
  return number(dictionaryOf(value, "a candidate").candidate, "candidate");
}

/** The answer to connect: the number of the connection, or why it failed. */
export function connectAnswerOf(
  value: WireValue,
): { readonly stream: number } | { readonly error: string } {
  const { error, stream } = dictionaryOf(value, "a connection");
  return error === undefined
    ? { stream: number(stream, "stream") }
    : { error: message(error, "error") };
}

/** The answer to receive and send: bytes, the end of the data, or why the connection is over. */
export const streamAnswerOf = shape<{
  readonly bytes?: string;
  readonly end?: boolean;
  readonly error?: string;
}>("a connection's answer", {
  bytes: optional(string),
  end: optional(flag),
  error: optional(message),
});

/** The answer to copyTree, pruneTree and removeFolder. */
export function treeOutcomeOf(value: WireValue): boolean {
  return dictionaryOf(value, "an outcome").written === true;
}

/** The answer to takeMessage. */
export function messageFoundOf(value: WireValue): MessageFound {
  const { found, headers, stale = 0 } = dictionaryOf(value, "a message");
  return {
    found: found === true,
    headers: found === true ? string(headers, "headers") : "",
    stale: number(stale, "stale"),
  };
}
