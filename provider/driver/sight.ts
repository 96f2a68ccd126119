/** Looking at a host for one resource: the same in a preview and in `up`. */
import { KeyFault } from "../contract/keyedText";
import type { AnyKind } from "../contract/kind";
import { FormatError } from "../formats/bytes";
import { FileTooLarge } from "../host/fileState";
import type { FileState, HostReader } from "../host/host";
import { type AnswerTo, type Ask, answersOf, Look, take } from "../host/look";
import { type HostRecord, RECORD_FOLDER } from "../host/record";
import { FOUND_RECORD, recordError } from "../host/recordLook";
import { CopyLost, withTexts } from "../host/savedFile";
import { type Platform, platformOf } from "../openbsd/platform";
import { type Places, placesAt, placesLook } from "./places";
import { learnFromRecord } from "./secrets/known";
import type { ServiceKind } from "./service";
import type { Values } from "./state";

/** The result of a look at a host for one resource. */
export interface Sight {
  readonly platform: Platform;
  /** The arguments with what the release fills in. */
  readonly args: Record<string, unknown>;
  readonly observed: unknown;
  readonly record: HostRecord;
  readonly recordFile: FileState;
  /** The files that were looked at. */
  readonly files: ReadonlyMap<string, FileState>;
  /** Set where the record is broken, and its copy is used. */
  readonly recordWarning?: string;
  /** What the host says of the places of the files that the kind looks at first; nothing where that was not asked. */
  readonly places: Places;
}

/** How to look. */
export interface LookOptions {
  /** Changes the first answers to what earlier steps of the same plan will make of them. */
  readonly foreseen?: (answerTo: AnswerTo) => AnswerTo;
  /** Is a change likely? Then what has to be asked before it is asked along. */
  readonly withPlaces?: boolean;
}

/** A refusal by a file's format, of a value to write or of the file itself; `path` is that of the argument or the file. */
export class Unfit extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`);
    this.stack = this.message;
  }
}

/** The host does not run OpenBSD, so no kind can work on it. */
export class NotOpenBSD extends Error {}

/** @throws NotOpenBSD | UnsupportedRelease */
export function platformFor(host: HostReader): Platform {
  if (host.system.name !== "OpenBSD")
    throw new NotOpenBSD(
      `${host.address} runs ${host.system.name}, not OpenBSD. Nothing was changed.`,
    );
  return platformOf(host.system.release);
}

/**
 * Makes a refusal by a file's format, or of a file that is too large, an {@link Unfit}, with the argument where the kind
 * knows it; leaves other errors.
 */
export function unfit(kind: AnyKind, args: Record<string, unknown>, error: unknown): unknown {
  const sentence = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);
  if (error instanceof KeyFault)
    return new Unfit(kind.property?.(error.key, args) ?? error.path, sentence(error.message));
  if (error instanceof CopyLost) return new Unfit(error.path, `it ${sentence(error.reason)}`);
  if (error instanceof FileTooLarge) return new Unfit(error.path, `it ${sentence(error.reason)}`);
  if (FormatError.isInstance(error))
    return new Unfit(`/${kind.subject(args)}`, sentence(error.message));
  return error;
}

/**
 * Runs a function of a kind.
 *
 * @throws Unfit where a file's format refuses a value or the file
 */
export function askKind<T>(kind: AnyKind, args: Record<string, unknown>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unfit(kind, args, error);
  }
}

/** The host's values, under the names of the inputs. */
export function liveOf(kind: AnyKind, { observed, args, platform }: Sight): Values {
  return askKind(kind, args, () => kind.live(observed, args, platform));
}

/** The record, with the texts of the copies in which the files were saved that this look has read. */
async function withReadCopies(
  host: HostReader,
  record: HostRecord,
  seen: ReadonlyMap<string, FileState>,
): Promise<HostRecord> {
  const entries = Object.entries(record.files).filter(([path]) => seen.has(path));
  const saved = await withTexts(
    host,
    Object.fromEntries(entries.map(([path, { before }]) => [path, before])),
  );
  const read = entries.map(
    ([path, entry]) => [path, { ...entry, before: saved[path] ?? null }] as const,
  );
  return { ...record, files: { ...record.files, ...Object.fromEntries(read) } };
}

/**
 * Looks at a host and its record in one round trip, and in further ones where the kind asks for more.
 *
 * @throws Unfit
 */
export async function look(
  kind: ServiceKind,
  host: HostReader,
  given: Record<string, unknown>,
  { foreseen = (answerTo) => answerTo, withPlaces = false }: LookOptions = {},
): Promise<Sight> {
  const platform = platformFor(host);
  const args = kind.complete(given, platform);
  const files = new Map<string, FileState>();
  let rounds = 0;
  const ask: Ask = async (facts) => {
    const found = await answersOf(host, facts);
    const answerTo = rounds === 0 ? foreseen(found) : found;
    rounds += 1;
    for (const fact of facts) if (fact.fact === "file") files.set(fact.path, answerTo(fact));
    return answerTo;
  };
  const look = kind.look(args, platform);
  const paths = look.facts.flatMap((fact) =>
    (fact.fact === "file" || fact.fact === "digest") && !fact.path.startsWith(`${RECORD_FOLDER}/`)
      ? [fact.path]
      : [],
  );
  const all = Look.all({
    observed: look,
    found: FOUND_RECORD,
    places: placesLook(withPlaces ? placesAt(paths) : []),
  });
  const { observed, found, places } = await take(all, ask).catch((error: unknown) => {
    throw recordError(host, unfit(kind, args, error));
  });
  const { file: recordFile, warning } = found;
  const record = await withReadCopies(host, found.record, files);
  await learnFromRecord(host, platform, record, files, (name, on) =>
    kind.service.keyedText(name, on),
  );
  return {
    ...{ platform, args, record, observed, recordFile, files, places },
    ...(warning === undefined ? {} : { recordWarning: warning }),
  };
}
