/** Turns answers of the agent into the types of host.ts. Each answer is checked: a wrong shape is a WireError. */
import type {
  Fact,
  FactAnswers,
  FileState,
  JobState,
  MessageFound,
  RunResult,
  SystemFacts,
  TailState,
  TreeEntry,
  WriteOutcome,
} from "./host";
import { toText, WireError, type WireValue } from "./wire";

type Dictionary = { readonly [key: string]: WireValue };

/** The value as a dictionary. @throws WireError that says `what` was expected */
export function dictionaryOf(value: WireValue | undefined, what: string): Dictionary {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WireError(`the agent's answer lacks ${what}`);
  }
  return value as Dictionary;
}

function listOf(value: WireValue | undefined, what: string): readonly WireValue[] {
  if (!Array.isArray(value)) throw new WireError(`the agent's answer lacks the list ${what}`);
  return value as readonly WireValue[];
}

function stringOf(value: WireValue | undefined, what: string): string {
  if (typeof value !== "string") throw new WireError(`the agent's answer lacks the string ${what}`);
  return value;
}

function numberOf(value: WireValue | undefined, what: string): number {
  if (typeof value !== "number") throw new WireError(`the agent's answer lacks the number ${what}`);
  return value;
}

function numberOrNull(value: WireValue | undefined, what: string): number | null {
  return value === null ? null : numberOf(value, what);
}

function stringOrNull(value: WireValue | undefined, what: string): string | null {
  return value === null ? null : stringOf(value, what);
}

/** The answer to hello. */
export function systemFactsOf(value: WireValue): SystemFacts {
  const facts = dictionaryOf(value, "the system's facts");
  return {
    name: stringOf(facts.name, "name"),
    release: stringOf(facts.release, "release"),
    machine: stringOf(facts.machine, "machine"),
    hostname: stringOf(facts.hostname, "hostname"),
    perl: stringOf(facts.perl, "perl"),
    uid: numberOf(facts.uid, "uid"),
  };
}

/** The state of a path, in several answers. */
function fileStateOf(value: WireValue | undefined): FileState {
  const state = dictionaryOf(value, "a file's state");
  const type = stringOf(state.type, "type");
  if (type === "absent") return { type };
  if (type === "symlink") {
    return {
      type,
      target: stringOf(state.target, "target"),
      ...(state.resolved === undefined ? {} : { resolved: stringOf(state.resolved, "resolved") }),
      ...(state.file === undefined ? {} : { file: fileStateOf(state.file) }),
    };
  }
  const owner = {
    mode: numberOf(state.mode, "mode"),
    uid: numberOf(state.uid, "uid"),
    gid: numberOf(state.gid, "gid"),
  };
  if (type === "directory" || type === "other") return { type, ...owner };
  if (type !== "file")
    throw new WireError(`the agent's answer has the unknown file type '${type}'`);
  return {
    type,
    ...owner,
    size: numberOf(state.size, "size"),
    ...(state.contents === undefined ? {} : { contents: stringOf(state.contents, "contents") }),
    ...(state.sha256 === undefined ? {} : { sha256: stringOf(state.sha256, "sha256") }),
  };
}

/** The result of a program. */
export function runResultOf(value: WireValue | undefined): RunResult {
  const result = dictionaryOf(value, "a program's result");
  return {
    exitCode: numberOrNull(result.exitCode, "exitCode"),
    signal: stringOrNull(result.signal, "signal"),
    stdout: stringOf(result.stdout, "stdout"),
    stderr: stringOf(result.stderr, "stderr"),
    truncated: result.truncated === true,
    timedOut: result.timedOut === true,
  };
}

/** The result of a program that may be missing on the host. */
function probeResultOf(value: WireValue | undefined): RunResult | { readonly notFound: true } {
  return dictionaryOf(value, "a program's result").notFound === true
    ? { notFound: true }
    : runResultOf(value);
}

/** The answer to judge. */
export function judgementsOf(
  value: WireValue,
): readonly (RunResult | { readonly notFound: true })[] {
  return listOf(value, "of results").map(probeResultOf);
}

function tailOf(value: WireValue): TailState | null {
  if (value === null) return null;
  const tail = dictionaryOf(value, "a file's tail");
  return {
    size: numberOf(tail.size, "size"),
    inode: stringOf(tail.inode, "inode"),
    contents: stringOf(tail.contents, "contents"),
  };
}

const treeTypes = ["file", "directory", "symlink", "other"] as const;

function treeEntryOf(value: WireValue): TreeEntry {
  const entry = dictionaryOf(value, "an entry of a tree");
  const type = treeTypes.find((known) => known === entry.type);
  if (type === undefined) throw new WireError("the agent's answer lacks the type of an entry");
  return {
    path: stringOf(entry.path, "path"),
    type,
    mode: numberOf(entry.mode, "mode"),
    uid: numberOf(entry.uid, "uid"),
    gid: numberOf(entry.gid, "gid"),
    ...(type === "file"
      ? { size: numberOf(entry.size, "size"), sha256: stringOf(entry.sha256, "sha256") }
      : {}),
    ...(type === "symlink" ? { target: stringOf(entry.target, "target") } : {}),
  };
}

/** The answer to one fact of read. */
export function factAnswerOf(fact: Fact, value: WireValue | undefined): FactAnswers[Fact["fact"]] {
  if (value === undefined) throw new WireError("the agent's answer lacks a fact of the request");
  switch (fact.fact) {
    case "file":
      return fileStateOf(value);
    case "list":
      return value === null
        ? null
        : listOf(value, "of names").map((name) => stringOf(name, "name"));
    case "tree":
      return value === null ? null : listOf(value, "of a tree's entries").map(treeEntryOf);
    case "probe":
      return probeResultOf(value);
    case "tail":
      return tailOf(value);
    case "user": {
      if (value === null) return null;
      const user = dictionaryOf(value, "a user");
      const [uid, gid] = [numberOf(user.uid, "uid"), numberOf(user.gid, "gid")];
      return { uid, gid, home: stringOf(user.home, "home") };
    }
    case "group":
      return value === null ? null : { gid: numberOf(dictionaryOf(value, "a group").gid, "gid") };
    case "banner": {
      const banner = dictionaryOf(value, "a banner");
      return typeof banner.line === "string"
        ? { line: banner.line }
        : { error: toText(stringOf(banner.error, "error")) };
    }
  }
}

/** The answer to write and remove. */
export function writeOutcomeOf(value: WireValue): WriteOutcome {
  const outcome = dictionaryOf(value, "an outcome");
  return outcome.written === true
    ? { written: true, sha256: stringOf(outcome.sha256, "sha256") }
    : { written: false, found: fileStateOf(outcome.found) };
}

const jobStates = ["running", "ended", "lost"] as const;

/** The answer to startJob and pollJob. */
export function jobStateOf(value: WireValue): JobState {
  const job = dictionaryOf(value, "a job's state");
  const state = jobStates.find((known) => known === job.state);
  if (state === undefined) throw new WireError("the agent's answer lacks a job's state");
  return {
    state,
    exitCode: numberOrNull(job.exitCode, "exitCode"),
    signal: stringOrNull(job.signal, "signal"),
    log: stringOf(job.log, "log"),
    offset: numberOf(job.offset, "offset"),
  };
}

/** The answer to connect: the number of the connection, or why it failed. */
export function connectAnswerOf(
  value: WireValue,
): { readonly stream: number } | { readonly error: string } {
  const answer = dictionaryOf(value, "a connection");
  return answer.error === undefined
    ? { stream: numberOf(answer.stream, "stream") }
    : { error: toText(stringOf(answer.error, "error")) };
}

/** The answer to receive and send: bytes, the end of the data, or why the connection is over. */
export function streamAnswerOf(value: WireValue): {
  readonly bytes?: string;
  readonly end?: boolean;
  readonly error?: string;
} {
  const answer = dictionaryOf(value, "a connection's answer");
  if (answer.error !== undefined) return { error: toText(stringOf(answer.error, "error")) };
  if (answer.bytes !== undefined) return { bytes: stringOf(answer.bytes, "bytes") };
  return { end: answer.end === true };
}

/** The answer to copyTree and pruneTree. */
export function treeOutcomeOf(value: WireValue): boolean {
  return dictionaryOf(value, "an outcome").written === true;
}

/** The answer to takeMessage. */
export function messageFoundOf(value: WireValue): MessageFound {
  const answer = dictionaryOf(value, "a message");
  const found = answer.found === true;
  return {
    found,
    headers: found ? stringOf(answer.headers, "headers") : "",
    stale: answer.stale === undefined ? 0 : numberOf(answer.stale, "stale"),
  };
}
