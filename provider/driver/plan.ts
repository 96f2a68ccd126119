/** Looking at a host, and deciding what is to be done there: the same in a preview and in `up`. */
import { type Answers, type Facts, type FileState, type HostReader } from "../host/host";
import {
  type Claim,
  type HostRecord,
  type KeyEntry,
  type Owner,
  RECORD_PATH,
  claim,
  foreignOwner,
  keysOf,
  parseRecord,
  release,
  savedFile,
} from "../host/record";
import { KeyFault } from "../kind/keyedFile";
import { FormatError } from "../formats/bytes";
import { equal } from "../values/json";
import { type Platform, platformOf } from "../openbsd/platform";
import { type AnyKind, type Change, type PlanContext, type Previous } from "../kind/kind";
import { isSecretValue, learnFromRecord } from "./secrets";
import { type State, type Values } from "./state";

export const RECORD_FACT = { fact: "file", path: RECORD_PATH } as const;

export interface Sight {
  readonly platform: Platform;
  readonly args: Record<string, unknown>;
  readonly observed: unknown;
  readonly record: HostRecord;
  readonly recordFile: FileState;
}

/** What a file cannot carry, or what in it stands in the way, by the property or the file that it is about. */
export class Unfit extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`);
    this.stack = this.message;
  }
}

/** Asks a kind; what a file's format refuses is told by the property where the kind knows it, else by the file. */
export function askKind<T>(kind: AnyKind, args: Record<string, unknown>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const reason = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);
    if (error instanceof KeyFault)
      throw new Unfit(kind.property?.(error.key, args) ?? error.path, reason(error.message));
    if (FormatError.isInstance(error))
      throw new Unfit(`/${kind.what(args)}`, reason(error.message));
    throw error;
  }
}

/** What the host has, under the names of the inputs. */
export function liveOf(kind: AnyKind, { observed, args, platform }: Sight): Values {
  return askKind(kind, args, () => kind.live(observed, args, platform));
}

export async function look(
  kind: AnyKind,
  host: HostReader,
  given: Record<string, unknown>,
  through: (facts: Facts, answers: Answers<Facts>) => Answers<Facts> = (_, answers) => answers,
): Promise<Sight> {
  const platform = platformFor(host);
  const args = kind.complete(given, platform);
  const facts = { ...kind.facts(args, platform), record: RECORD_FACT };
  let answers: Answers<Facts> = through(facts, await host.read(facts));
  const observe = (): unknown => askKind(kind, args, () => kind.observe(answers, args, platform));
  let observed = observe();
  const more = kind.more?.(observed, args, platform);
  if (more) {
    answers = { ...answers, ...(await host.read(more)) };
    observed = observe();
  }
  const recordFile = answers["record"] as FileState;
  const record = parseRecord(recordFile);
  await learnFromRecord(host, platform, record, filesIn({ ...facts, ...more }, answers));
  return { platform, args, observed, record, recordFile };
}

/** What was seen of files, by their paths. */
function filesIn(facts: Facts, answers: Answers<Facts>): ReadonlyMap<string, FileState> {
  return new Map(
    Object.entries(facts).flatMap(([name, fact]) =>
      fact.fact === "file" && fact.stat !== true ? [[fact.path, answers[name] as FileState]] : [],
    ),
  );
}

/** @throws NotOpenBSD | UnsupportedRelease */
export function platformFor(host: HostReader): Platform {
  if (host.system.name !== "OpenBSD")
    throw new NotOpenBSD(
      `${host.address} runs ${host.system.name}, not OpenBSD. Nothing was changed.`,
    );
  return platformOf(host.system.release);
}

export class NotOpenBSD extends Error {}

export interface Plan {
  readonly sight: Sight;
  readonly changes: readonly Change[];
  readonly claims: readonly Claim[];
  /** The record as it must be before the first change is made. */
  readonly record: HostRecord;
  /** It differs from the one on the host by something that is not merely adopted. */
  readonly recordChanged: boolean;
}

/**
 * Decides, from what was seen, what is to be done; the same in a preview and in `up`.
 *
 * @throws Unfit
 */
export function decide(
  kind: AnyKind,
  sight: Sight,
  owner: Owner,
  state: Pick<State, "previous" | "applied">,
  coming: (path: string) => boolean = () => false,
): Plan {
  return askKind(kind, sight.args, () => decided(kind, sight, owner, state, coming));
}

function decided(
  kind: AnyKind,
  sight: Sight,
  owner: Owner,
  state: Pick<State, "previous" | "applied">,
  coming: (path: string) => boolean,
): Plan {
  const { args, observed, platform } = sight;
  const asked = kind.claims(observed, args, {
    platform,
    owner,
    record: withPrevious(sight.record, state.previous, owner),
    applied: state.applied,
    dropped: [],
    coming,
    isSecret: isSecretValue,
  });
  const taken = takeOver(sight.record, owner, new Set(asked.map((one) => one.key)));
  const known = withPrevious(taken, state.previous, owner);
  const first: PlanContext = {
    platform,
    record: known,
    owner,
    applied: state.applied,
    dropped: [],
    coming,
    isSecret: isSecretValue,
  };
  const claims = kind.claims(observed, args, first);
  const wanted = new Set(claims.map((one) => one.key));
  const dropped = keysOf(known, owner.instance).filter(([name]) => !wanted.has(name));
  const context: PlanContext = { ...first, dropped };
  const changes = kind.plan(observed, args, context);
  const baselines = Object.fromEntries(
    Object.entries(kind.baselines(observed, args)).map(([path, state]) => [path, savedFile(state)]),
  );
  const claimed = claim(known, owner, claims, baselines);
  const released = {
    ...release(
      claimed,
      dropped.map(([name]) => name),
    ),
    ...kind.owes?.(changes),
  };
  const pending = changes.length > 0 ? kind.pending?.(args, changes, observed) : undefined;
  return {
    sight,
    changes,
    claims,
    record: pending
      ? changedSinceServed(
          { ...released, pending: merged(released.pending, pending) },
          changes,
          kind.baselines(observed, args),
          pending.because,
        )
      : released,
    recordChanged:
      changes.length > 0 ||
      taken !== sight.record ||
      claims.some(
        ({ noted, key, applied }) =>
          noted && !equal(applied, sight.record.keys[key]?.applied ?? null),
      ) ||
      // Whoever else looks at these files has to know what in them is secret; an earlier version noted it in clear.
      claims.some(({ key, secret }) => secret !== sight.record.keys[key]?.secret) ||
      dropped.some(([name]) => sight.record.keys[name] !== undefined),
  };
}

/** The record as if it held what the state remembers, for a record that was lost or has not begun. */
export function withPrevious(record: HostRecord, previous: Previous, owner: Owner): HostRecord {
  const keys: Record<string, KeyEntry> = { ...record.keys };
  const files = { ...record.files };
  for (const [name, entry] of Object.entries(previous.keys)) {
    if (keys[name]) continue;
    keys[name] = { ...entry, owner };
    if (entry.file !== undefined)
      files[entry.file] ??= {
        before: previous.files[entry.file] ?? null,
        written: null,
      };
  }
  return { ...record, keys, files };
}

/** The part of a record that is one instance's, as the state keeps it. */
export function previousOf(record: HostRecord, instance: string): Previous {
  const keys = Object.fromEntries(keysOf(record, instance));
  const paths = new Set(Object.values(keys).map((entry) => entry.file));
  const files = Object.fromEntries(
    Object.entries(record.files)
      .filter(([path]) => paths.has(path))
      .map(([path, entry]) => [path, entry.before]),
  );
  return { files, keys };
}

/**
 * Keys of a former instance of the same resource pass to the one that is being made: a renamed host, a lost state. Of
 * the same name and with nothing in common is another resource, which has been renamed since.
 */
function takeOver(record: HostRecord, owner: Owner, wanted: ReadonlySet<string>): HostRecord {
  const formers = new Set(
    Object.entries(record.keys)
      .filter(([name, entry]) => entry.owner.urn === owner.urn && wanted.has(name))
      .map(([, entry]) => entry.owner.instance),
  );
  formers.delete(owner.instance);
  if (formers.size === 0 || owner.instance === "") return record;
  const keys = { ...record.keys };
  const moved = { ...record.moved };
  for (const [name, entry] of Object.entries(record.keys)) {
    if (!formers.has(entry.owner.instance)) continue;
    keys[name] = { ...entry, owner };
    moved[entry.owner.instance] = owner.instance;
  }
  return { ...record, keys, moved };
}

function merged(
  left: HostRecord["pending"],
  right: NonNullable<HostRecord["pending"]>,
): NonNullable<HostRecord["pending"]> {
  if (!left) return right;
  return {
    need: left.need === "restart" || right.need === "restart" ? "restart" : "reload",
    because: [...new Set([...left.because, ...right.because])],
  };
}

/**
 * Keeps what stood in Postfix's files, databases beside them included, when Postfix last served: the first change since
 * then finds it. A file that was put back and is now written again is put back no longer.
 */
function changedSinceServed(
  record: HostRecord,
  changes: readonly Change[],
  baselines: Readonly<Record<string, FileState>>,
  files: readonly string[],
): HostRecord {
  const read = (path: string): boolean =>
    files.some((file) => path === file || path.startsWith(`${file}.`));
  const written = changes.flatMap((change) =>
    change.change === "write" || change.change === "remove"
      ? [[change.path, change.found] as const]
      : [],
  );
  const served = { ...record.served };
  const rolledBack = Object.fromEntries(
    Object.entries(record.rolledBack ?? {}).filter(
      ([path]) => !written.some(([one]) => one === path),
    ),
  );
  for (const [path, state] of [...written, ...Object.entries(baselines)])
    if (read(path) && served[path] === undefined) served[path] = savedFile(state);
  const { rolledBack: _, ...rest } = record;
  return {
    ...rest,
    ...(Object.keys(served).length > 0 ? { served } : {}),
    ...(Object.keys(rolledBack).length > 0 ? { rolledBack } : {}),
  };
}

/** A key that belongs to another stack. */
export function ownedElsewhere(
  record: HostRecord,
  claims: readonly Claim[],
  owner: Owner,
): string | undefined {
  for (const one of claims) {
    const other = foreignOwner(record.keys[one.key], owner);
    if (other) return `${one.key} on this host belongs to ${other.urn}`;
  }
  return undefined;
}
