/**
 * The one driver of all kinds: what `check`, `diff`, `create`, `read`, `update` and `delete` are, made from a kind's
 * pure parts. Create and update are the same: observe, plan, apply, observe.
 */
import { randomBytes } from "node:crypto";
import { applyChange, printChange } from "./changes";
import { say } from "./engineLog";
import { contentsOf, sha256 } from "./files";
import { type ConnectionArgs, connectionFaults } from "./host/connection";
import { HostError } from "./host/errors";
import type { Answers, Facts, FileState, Host, HostReader, HostWriter } from "./host/host";
import { connect, knownMachine } from "./host/pool";
import {
  type Claim,
  EMPTY_RECORD,
  type HostRecord,
  type KeyEntry,
  type Owner,
  RECORD_PATH,
  claim,
  foreignOwner,
  keysOf,
  parseRecord,
  release,
  saveRecord,
  savedFile,
} from "./host/record";
import { clean, equal, isUnknown, knownPart, unknownPaths } from "./json";
import { type Platform, UnsupportedRelease, platformOf } from "./openbsd/platform";
import { overlayOf } from "./overlay";
import {
  type AnyKind,
  type Change,
  type Failure,
  NOTHING_BEFORE,
  type PlanContext,
  type Previous,
  type RestoreContext,
  type StepContext,
} from "./resource";

/** The shape of the state; raised with a pure migration whenever it changes. */
export const SCHEMA = 1;

/** Inputs that every kind has; the rest are the kind's arguments. */
const COMMON = ["connection", "owner", "release", "secretPaths"] as const;
/** Outputs that the driver keeps for itself. */
const KEPT = ["applied", "previous", "machine", "instance", "revision", "schema", "unread", "failed"] as const;

type Values = Readonly<Record<string, unknown>>;

interface State {
  readonly previous: Previous;
  readonly instance: string;
  readonly revision: number;
  readonly machine: string | undefined;
  /** The arguments as last applied; none when that never was, or failed. */
  readonly applied: Values | undefined;
}

function without(values: Values, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([key]) => !keys.includes(key) && key !== "__provider"),
  );
}

function argsOf(inputs: Values): Record<string, unknown> {
  return without(inputs, COMMON);
}

function connectionOf(inputs: Values): ConnectionArgs {
  return inputs["connection"] as ConnectionArgs;
}

/** `owner` is `{ urn, preview }` as the program says it, and the URN alone once it was checked. */
function ownerUrn(inputs: Values): string {
  const owner = inputs["owner"] as string | { urn: string } | undefined;
  return typeof owner === "object" ? owner.urn : (owner ?? "");
}

function isPreview(inputs: Values): boolean {
  const owner = inputs["owner"];
  return typeof owner === "object" && owner !== null && (owner as { preview?: boolean }).preview === true;
}

function stateOf(props: Values): State {
  const schema = props["schema"] ?? SCHEMA;
  if (typeof schema === "number" && schema > SCHEMA)
    throw userError(
      `this state was written by a newer version of pulumi-openbsd-postfix (schema ${schema}, known here: ${SCHEMA}). ` +
        "Upgrade the package in this program. Nothing was changed.",
    );
  return {
    previous: (props["previous"] as Previous | undefined) ?? NOTHING_BEFORE,
    instance: String(props["instance"] ?? ""),
    revision: Number(props["revision"] ?? 0),
    machine: props["machine"] as string | undefined,
    applied:
      props["failed"] === undefined && props["applied"] !== undefined
        ? argsOf(props["applied"] as Values)
        : undefined,
  };
}

/** An error that is its message: a stack of ours would tell the reader nothing. */
function userError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}

/** Hosts that are to be forgotten: `read` keeps their state and `delete` lets them go. */
function isForgotten(connection: ConnectionArgs): boolean {
  const names = (process.env["PULUMI_OPENBSD_POSTFIX_FORGET"] ?? "").split(/[\s,]+/);
  return names.includes(connection.host);
}

// --- looking ---------------------------------------------------------------------------------------------------

const RECORD_FACT = { fact: "file", path: RECORD_PATH } as const;

interface Sight {
  readonly platform: Platform;
  readonly args: Record<string, unknown>;
  readonly observed: unknown;
  readonly record: HostRecord;
  readonly recordFile: FileState;
}

async function look(
  kind: AnyKind,
  host: HostReader,
  given: Record<string, unknown>,
  through: (facts: Facts, answers: Answers<Facts>) => Answers<Facts> = (_, answers) => answers,
): Promise<Sight> {
  const platform = platformFor(host);
  const args = kind.complete(given, platform);
  const facts = { ...kind.facts(args, platform), record: RECORD_FACT };
  let answers: Answers<Facts> = through(facts, await host.read(facts));
  let observed = kind.observe(answers, args, platform);
  const more = kind.more?.(observed, args, platform);
  if (more) {
    answers = { ...answers, ...(await host.read(more)) };
    observed = kind.observe(answers, args, platform);
  }
  const recordFile = answers["record"] as FileState;
  return {
    platform,
    args,
    observed,
    record: parseRecord(recordFile),
    recordFile,
  };
}

function platformFor(host: HostReader): Platform {
  if (host.system.name !== "OpenBSD")
    throw new NotOpenBSD(`${host.address} runs ${host.system.name}, not OpenBSD. Nothing was changed.`);
  return platformOf(host.system.release);
}

class NotOpenBSD extends Error {}

/** The record as if it held what the state remembers, for a record that was lost or has not begun. */
function withPrevious(record: HostRecord, previous: Previous, owner: Owner): HostRecord {
  const keys: Record<string, KeyEntry> = { ...record.keys };
  const files = { ...record.files };
  for (const [name, entry] of Object.entries(previous.keys)) {
    if (keys[name]) continue;
    keys[name] = { ...entry, owner };
    if (entry.file !== undefined)
      files[entry.file] ??= { before: previous.files[entry.file] ?? null, written: null, foreign: false };
  }
  return { ...record, keys, files };
}

/** The part of a record that is one instance's, as the state keeps it. */
function previousOf(record: HostRecord, instance: string): Previous {
  const keys = Object.fromEntries(keysOf(record, instance));
  const paths = new Set(Object.values(keys).map((entry) => entry.file));
  const files = Object.fromEntries(
    Object.entries(record.files)
      .filter(([path]) => paths.has(path))
      .map(([path, entry]) => [path, entry.before]),
  );
  return { files, keys };
}

interface Plan {
  readonly sight: Sight;
  readonly changes: readonly Change[];
  readonly claims: readonly Claim[];
  /** The record as it must be before the first change is made. */
  readonly record: HostRecord;
  /** It differs from the one on the host by something that is not merely adopted. */
  readonly recordChanged: boolean;
}

/** Decides, from what was seen, what is to be done; the same in a preview and in `up`. */
function decide(
  kind: AnyKind,
  sight: Sight,
  owner: Owner,
  state: Pick<State, "previous" | "applied">,
  coming: (path: string) => boolean = () => false,
): Plan {
  const { args, observed, platform } = sight;
  const taken = takeOver(sight.record, owner);
  const known = withPrevious(taken, state.previous, owner);
  const first: PlanContext = { platform, record: known, applied: state.applied, dropped: [], coming };
  const claims = kind.claims(observed, args, first);
  const wanted = new Set(claims.map((one) => one.key));
  const dropped = keysOf(known, owner.instance).filter(([name]) => !wanted.has(name));
  const context: PlanContext = { ...first, dropped };
  const changes = kind.plan(observed, args, context);
  const baselines = Object.fromEntries(
    Object.entries(kind.baselines(observed, args)).map(([path, state]) => [path, savedFile(state)]),
  );
  const claimed = claim(known, owner, claims, baselines);
  const released = release(
    claimed,
    dropped.map(([name]) => name),
  );
  const pending = changes.length > 0 ? kind.pending?.(args, changes, observed) : undefined;
  return {
    sight,
    changes,
    claims,
    record: pending ? { ...released, pending: merged(released.pending, pending) } : released,
    recordChanged:
      changes.length > 0 ||
      taken !== sight.record ||
      dropped.some(([name]) => sight.record.keys[name] !== undefined),
  };
}

/** Keys of a former instance of the same resource pass to the one that is being made: a renamed host, a lost state. */
function takeOver(record: HostRecord, owner: Owner): HostRecord {
  const former = Object.entries(record.keys).filter(
    ([, entry]) => entry.owner.urn === owner.urn && entry.owner.instance !== owner.instance,
  );
  if (former.length === 0 || owner.instance === "") return record;
  const keys = { ...record.keys };
  const moved = { ...record.moved };
  for (const [name, entry] of former) {
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

/** A key that belongs to another stack. */
function ownedElsewhere(record: HostRecord, claims: readonly Claim[], owner: Owner): string | undefined {
  for (const one of claims) {
    const other = foreignOwner(record.keys[one.key], owner);
    if (other) return `${one.key} on this host belongs to ${other.urn}`;
  }
  return undefined;
}

// --- check -----------------------------------------------------------------------------------------------------

export interface CheckAnswer {
  readonly inputs: Values;
  readonly failures: readonly { readonly property: string; readonly reason: string }[];
}

export async function check(kind: AnyKind, olds: Values, news: Values): Promise<CheckAnswer> {
  const urn = ownerUrn(news);
  const preview = isPreview(news);
  const inputs: Record<string, unknown> = { ...news, owner: urn };
  const args = argsOf(inputs);
  const failures: Failure[] = [...connectionFailures(inputs), ...kind.validate(knownPart(args))];
  if (failures.length > 0) return answer(inputs, failures);

  const release = olds["release"];
  if (typeof release === "string") {
    const filled = { ...inputs, ...kind.complete(args, platformOf(release)), release };
    if (equal(without(filled, ["owner"]), without(olds, ["owner"]))) return answer(filled, []);
    Object.assign(inputs, filled);
  }
  if (unknownPaths(inputs["connection"]).length > 0) {
    if (preview) await say(urn, "info", "The host is not known yet: looked at when it is.");
    return answer(inputs, []);
  }
  if (isForgotten(connectionOf(inputs))) return answer(inputs, []);
  return checkOnHost(kind, inputs, { olds, preview, urn });
}

async function checkOnHost(
  kind: AnyKind,
  inputs: Record<string, unknown>,
  { olds, preview, urn }: { olds: Values; preview: boolean; urn: string },
): Promise<CheckAnswer> {
  const fresh = Object.keys(without(olds, [])).length === 0;
  const args = argsOf(inputs);
  let host: Host;
  try {
    host = await connect(connectionOf(inputs), { tries: preview ? 1 : undefined });
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    if (error.kind !== "unreachable" && error.kind !== "lost")
      return answer(inputs, [{ path: connectionPath(error), reason: error.message }]);
    if (preview)
      await say(urn, "info", `${connectionOf(inputs).host} cannot be looked at yet: ${error.reason}`);
    return answer(inputs, []);
  }
  const unknown = unknownPaths(args);
  const overlay = overlayOf(host.fingerprint);
  let sight: Sight;
  try {
    sight = await look(kind, host, knownPart(args), (facts, answers) => overlay.through(facts, answers));
  } catch (error) {
    if (error instanceof NotOpenBSD || error instanceof UnsupportedRelease)
      return answer(inputs, [{ path: "connection.host", reason: error.message }]);
    throw error;
  }
  // What was filled in stands beside what is still unknown.
  const filled = {
    ...inputs,
    ...kind.complete(args, sight.platform),
    release: sight.platform.release,
  };
  const coming = (path: string): boolean => overlay.coming(path);
  // The instance is in the state, which `check` does not see: the record knows it where there is something to undo.
  const instance =
    Object.values(sight.record.keys).find((entry) => entry.owner.urn === urn)?.owner.instance ?? "";
  const applied = fresh ? undefined : argsOf(olds);
  const { changes, claims, record: planned } = decide(
    kind,
    sight,
    { urn, instance },
    { previous: NOTHING_BEFORE, applied },
    coming,
  );

  const clash = overlay.claim(
    claims.map((one) => one.key),
    urn,
  );
  if (clash)
    return answer(filled, [
      {
        path: "connection",
        reason: `${clash.key} on ${host.address} has two owners in this program: ${clash.urn} and ${urn}. Give it to one.`,
      },
    ]);
  if (fresh) {
    const elsewhere = ownedElsewhere(sight.record, claims, { urn, instance: "" });
    if (elsewhere !== undefined)
      return answer(filled, [
        {
          path: "connection",
          reason: `${elsewhere}. One thing has one owner: take it out of one of the two programs (and run pulumi up there first).`,
        },
      ]);
  }
  const warnings: string[] = [];
  const failures =
    (await kind.judge?.(host, sight.observed, sight.args, changes, {
      platform: sight.platform,
      coming,
      warn: (text) => warnings.push(text),
    })) ?? [];
  overlay.add(changes, kind.brings?.(sight.args, changes, sight.platform) ?? [], planned.pending);
  if (preview) {
    if (sight.platform.warning !== undefined) warnings.unshift(sight.platform.warning);
    const mask = masker(inputs);
    for (const text of warnings) await say(urn, "warning", mask(text));
    await say(urn, "info", mask(report(host, sight.platform, changes, unknown)));
  }
  return answer(filled, failures);
}

/** What the preview prints: where, and every change as a diff or a line. */
function report(
  host: Host,
  platform: Platform,
  changes: readonly Change[],
  unknown: readonly string[],
): string {
  const where = `${host.address} (OpenBSD ${platform.release})`;
  const later =
    unknown.length > 0 ? [`Not known yet, so not shown: ${unknown.join(", ")}.`] : [];
  if (changes.length === 0)
    return [`${where}: already as wanted, nothing to change.`, ...later].join("\n");
  return [`${where}: up will`, ...changes.map(printChange), ...later].join("\n");
}

/** Hides the values of the secret inputs wherever they stand in a text. */
function masker(inputs: Values): (text: string) => string {
  const paths = (inputs["secretPaths"] as readonly string[] | undefined) ?? [];
  const secrets = paths
    .flatMap((path) => leaves(at(inputs, path)))
    .filter((secret) => secret !== "")
    .sort((left, right) => right.length - left.length);
  return (text) => secrets.reduce((masked, secret) => masked.replaceAll(secret, "[secret]"), text);
}

/** The value at a property path such as `parameters.relayhost` or `entries.root[0]`. */
function at(value: unknown, path: string): unknown {
  return path
    .split(/\.|\[|\]/)
    .filter((part) => part !== "")
    .reduce<unknown>((inner, part) => (inner as Values | undefined)?.[part], value);
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}

/** The property of `connection` that an error is about. */
function connectionPath(error: HostError): string {
  switch (error.kind) {
    case "hostKeyUnknown":
    case "hostKeyChanged":
      return "connection.hostKey";
    case "notPrivileged":
      return "connection.user";
    default:
      return "connection";
  }
}

function connectionFailures(inputs: Values): Failure[] {
  return connectionFaults(knownPart(inputs["connection"])).flatMap(({ path, reason }) =>
    // A host that is not known yet is no fault.
    isUnknown(inputs["connection"]) || unknownPaths(inputs["connection"]).includes(path)
      ? []
      : [{ path: path === "" ? "connection" : `connection.${path}`, reason }],
  );
}

function answer(inputs: Values, failures: readonly Failure[]): CheckAnswer {
  return clean({
    inputs,
    failures: failures.map(({ path, reason }) => ({ property: path, reason })),
  });
}

// --- diff ------------------------------------------------------------------------------------------------------

export interface DiffAnswer {
  readonly changes: boolean;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

/** Pure: live values against wanted ones. The owner's name and what only we keep are no difference. */
export function diff(_kind: AnyKind, olds: Values, news: Values): DiffAnswer {
  const wanted = without(news, ["owner"]);
  const changes =
    olds["unread"] !== undefined ||
    olds["failed"] !== undefined ||
    olds["schema"] !== SCHEMA ||
    Object.entries(wanted).some(([key, value]) => !equal(olds[key], value)) ||
    Object.keys((olds["applied"] as Values | undefined) ?? {}).some(
      (key) => key !== "owner" && wanted[key] === undefined,
    );
  const host = connectionOf(news) as ConnectionArgs | undefined;
  const moved =
    host !== undefined &&
    !isUnknown(host.host) &&
    (olds["connection"] as ConnectionArgs | undefined)?.host !== host.host;
  return { changes, replaces: moved ? ["connection"] : [], deleteBeforeReplace: false };
}

// --- create and update -----------------------------------------------------------------------------------------

export interface CreateAnswer {
  readonly id: string;
  readonly outs: Values;
}

export async function create(kind: AnyKind, inputs: Values): Promise<CreateAnswer> {
  const id = `${kind.name}/${kind.what(argsOf(inputs))}`;
  const state: State = {
    previous: NOTHING_BEFORE,
    instance: randomBytes(8).toString("hex"),
    revision: 0,
    machine: undefined,
    applied: undefined,
  };
  return { id, outs: await converge(kind, id, inputs, state, {}) };
}

export async function update(kind: AnyKind, id: string, olds: Values, news: Values): Promise<Values> {
  const state = stateOf(olds);
  const same = (key: string): boolean => equal(olds[key], news[key]);
  const onlyConnection =
    olds["unread"] === undefined &&
    olds["failed"] === undefined &&
    Object.keys(without(news, ["owner", "connection"])).every(same) &&
    !same("connection");
  // Another key, port or user: no host is touched, only the state learns how to find it.
  if (onlyConnection) {
    const accepted = newlyPinned(olds, news) ? undefined : state.machine;
    return clean({ ...without(olds, []), ...without(news, []), machine: accepted, applied: without(news, []) });
  }
  return converge(kind, id, news, newlyPinned(olds, news) ? { ...state, machine: undefined } : state, olds);
}

/** The user names another host key than before: the machine behind the address may be another one. */
function newlyPinned(olds: Values, news: Values): boolean {
  const key = connectionOf(news).hostKey;
  return key !== undefined && key !== (olds["connection"] as ConnectionArgs | undefined)?.hostKey;
}

interface Done {
  readonly sight: Sight;
  readonly record: HostRecord;
  readonly wrote: boolean;
  readonly outputs: Values;
}

async function converge(
  kind: AnyKind,
  id: string,
  inputs: Values,
  state: State,
  olds: Values,
): Promise<Values> {
  const urn = ownerUrn(inputs);
  const owner: Owner = { urn, instance: state.instance };
  if (isForgotten(connectionOf(inputs)))
    throw userError(
      `${connectionOf(inputs).host} is named in PULUMI_OPENBSD_POSTFIX_FORGET, so it cannot be changed. Nothing was changed.`,
    );
  const host = await connect(connectionOf(inputs));
  sameMachine(host, state.machine);
  const given = argsOf(inputs);
  const finish = (done: Done): Values => {
    const revision = state.revision + (done.wrote ? 1 : 0);
    const { sight } = done;
    const wanted = { ...sight.args, connection: inputs["connection"], owner: urn, release: sight.platform.release };
    return clean({
      ...without(inputs, []),
      ...without(olds, [...Object.keys(inputs), ...KEPT]),
      ...wanted,
      ...kind.live(sight.observed, sight.args, sight.platform),
      ...kind.outputs(sight.observed, sight.args, sight.platform),
      ...done.outputs,
      applied: wanted,
      previous: previousOf(done.record, owner.instance),
      machine: host.fingerprint,
      instance: owner.instance,
      revision,
      schema: SCHEMA,
    });
  };

  const before = decide(kind, await look(kind, host, given), owner, state);
  const elsewhere = ownedElsewhere(before.sight.record, before.claims, owner);
  if (elsewhere !== undefined)
    throw userError(`${elsewhere} (asked for by ${urn}). One thing has one owner. Nothing was changed on ${host.address}.`);
  if (!before.recordChanged)
    return finish({ sight: before.sight, record: before.record, wrote: false, outputs: {} });

  const progress = (text: string): void =>
    void say(urn, "info", `${host.address}: ${text}`, { ephemeral: true });
  let changed = false;
  let last: Plan = before;
  try {
    return await host.change(`${id} of ${urn}`, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        last = decide(kind, await look(kind, writer, given), owner, state);
        try {
          const outputs = await carryOut(kind, writer, last, progress, urn, () => (changed = true));
          const done = await settle(kind, writer, given, owner, state);
          return finish({ sight: done.sight, record: done.record, wrote: last.changes.length > 0, outputs });
        } catch (error) {
          if (!HostError.isInstance(error) || error.kind !== "conflict" || attempt > 1) throw error;
          progress("somebody else changed a file in between; looking again");
        }
      }
    });
  } catch (error) {
    if (!changed) throw error;
    throw await partial(kind, id, error, host, given, inputs, last, finish);
  }
}

/** Writes the record, then does the changes one after the other. */
async function carryOut(
  kind: AnyKind,
  host: HostWriter,
  plan: Plan,
  progress: (text: string) => void,
  urn: string,
  touched: () => void,
): Promise<Values> {
  const { sight } = plan;
  let record = plan.record;
  let recordFile = await saveRecord(host, record, sight.recordFile);
  const setPending = async (pending: HostRecord["pending"]): Promise<void> => {
    const { pending: _told, ...rest } = record;
    record = pending ? { ...rest, pending } : rest;
    recordFile = await saveRecord(host, record, recordFile);
  };
  const context: StepContext = {
    platform: sight.platform,
    progress,
    record,
    setPending,
    warn: (text) => void say(urn, "warning", `${host.address}: ${text}`),
  };
  let outputs: Values = {};
  for (const change of plan.changes) {
    progress(describe(change));
    touched();
    if (change.change !== "step") await applyChange(host, change);
    else
      outputs = {
        ...outputs,
        ...(await kind.step?.(change.step, change.detail, host, sight.args, context)),
      };
  }
  return outputs;
}

/** A change in one line, for progress. */
function describe(change: Change): string {
  switch (change.change) {
    case "write":
      return `write ${change.path}`;
    case "remove":
      return `remove ${change.path}`;
    default:
      return change.text;
  }
}

/** Looks again: everything must be as wanted now. What was written is noted in the record. */
async function settle(
  kind: AnyKind,
  host: HostWriter,
  given: Record<string, unknown>,
  owner: Owner,
  state: State,
): Promise<{ sight: Sight; record: HostRecord }> {
  const sight = await look(kind, host, given);
  const after = decide(kind, sight, owner, { ...state, applied: sight.args });
  if (after.changes.length > 0)
    throw userError(
      `${host.address}: after the change this is still not as wanted:\n${after.changes.map(printChange).join("\n")}`,
    );
  const files = { ...sight.record.files };
  for (const [path, state] of Object.entries(kind.baselines(sight.observed, sight.args))) {
    const entry = files[path];
    const contents = contentsOf(state);
    if (entry) files[path] = { ...entry, written: contents === undefined ? null : sha256(contents) };
  }
  const record = { ...sight.record, files };
  await saveRecord(host, record, sight.recordFile);
  return { sight, record };
}

function sameMachine(host: Host, machine: string | undefined): void {
  if (machine === undefined || machine === host.fingerprint) return;
  throw userError(
    `${host.address} is another machine than the one in the state: its host key is ${host.fingerprint}, recorded was ${machine}. ` +
      "Nothing was changed. If the machine only has a new key, or was set up anew on purpose, say so by giving the new key as " +
      "`connection.hostKey` and run `pulumi up --refresh=false` once; if the old machine is gone for good, " +
      `PULUMI_OPENBSD_POSTFIX_FORGET=${host.address.replace(/^.*@|:\d+$/g, "")} lets it go.`,
  );
}

/** An error after a change: the state that the next run goes on from travels with it. */
async function partial(
  kind: AnyKind,
  id: string,
  error: unknown,
  host: Host,
  given: Record<string, unknown>,
  inputs: Values,
  last: Plan,
  finish: (done: Done) => Values,
): Promise<Error> {
  const message = masker(inputs)(error instanceof Error ? error.message : String(error));
  let sight = last.sight;
  let record = last.record;
  try {
    sight = await look(kind, host, given);
    record = sight.record;
  } catch {
    // Unknown is unknown: the state keeps what was seen before the change, and the next run looks again.
  }
  const properties = { ...finish({ sight, record, wrote: true, outputs: {} }), failed: message };
  const failed = userError(message);
  return Object.assign(failed, {
    id,
    reasons: [message],
    properties: { ...properties, __provider: inputs["__provider"] },
  });
}

// --- read ------------------------------------------------------------------------------------------------------

export interface ReadAnswer {
  readonly id: string;
  readonly props: Values;
  readonly inputs: Values;
}

export async function read(kind: AnyKind, id: string, props: Values): Promise<ReadAnswer> {
  const state = stateOf(props);
  const applied = (props["applied"] as Values | undefined) ?? props;
  const urn = ownerUrn(applied);
  const connection = connectionOf(props);
  const asIs = { id, props: clean(without(props, [])), inputs: clean(without(applied, [])) };
  if (isForgotten(connection)) {
    await say(urn, "warning", `${connection.host} is to be forgotten: kept as it was last seen.`);
    return asIs;
  }
  let host: Host;
  try {
    host = await connect(connection);
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    if (error.kind === "authRefused" && hasInlineCredentials(connection)) {
      await say(
        urn,
        "warning",
        `${connection.host} refuses the credentials in the state, so it was not looked at; the next \`pulumi up\` uses those of the program. ${error.reason}`,
      );
      return { ...asIs, props: { ...asIs.props, unread: error.reason } };
    }
    throw waysOut(error, connection);
  }
  sameMachine(host, state.machine);
  const sight = await look(kind, host, argsOf(applied));
  const live = kind.live(sight.observed, sight.args, sight.platform);
  const common = { connection, owner: urn, release: sight.platform.release };
  return clean({
    id,
    props: {
      ...without(props, kind.repeats ? ["unread"] : ["unread", "failed"]),
      ...sight.args,
      ...live,
      ...kind.outputs(sight.observed, sight.args, sight.platform),
      ...common,
    },
    inputs: { ...without(applied, []), ...sight.args, ...live, ...common },
  });
}

function hasInlineCredentials(connection: ConnectionArgs): boolean {
  return connection.privateKey !== undefined || connection.password !== undefined;
}

function waysOut(error: HostError, connection: ConnectionArgs): Error {
  if (error.kind !== "unreachable" && error.kind !== "lost") return error;
  return userError(
    `${error.message}\nThe other resources of the stack can be worked on with --refresh=false; ` +
      `a host that is gone for good is let go with PULUMI_OPENBSD_POSTFIX_FORGET=${connection.host} in the environment.`,
  );
}

// --- delete ----------------------------------------------------------------------------------------------------

export async function remove(kind: AnyKind, id: string, props: Values): Promise<void> {
  const state = stateOf(props);
  const applied = (props["applied"] as Values | undefined) ?? props;
  const urn = ownerUrn(applied);
  const connection = connectionOf(props);
  if (isForgotten(connection)) {
    await say(urn, "warning", `${connection.host} is forgotten: nothing was put back there.`);
    return;
  }
  const owner: Owner = { urn, instance: state.instance };
  let host: Host;
  try {
    host = await connect(connection);
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    // A renamed host: the same machine may be known under its new name already.
    const known = state.machine === undefined ? undefined : knownMachine(state.machine);
    const record = known ? parseRecord((await known.read({ record: RECORD_FACT })).record) : EMPTY_RECORD;
    if (record.moved[state.instance] === undefined) throw waysOut(error, connection);
    await handedOver(urn, connection.host);
    return;
  }
  sameMachine(host, state.machine);
  const given = argsOf(applied);
  const warnings: string[] = [];
  const planned = (sight: Sight): { keys: readonly (readonly [string, KeyEntry])[]; changes: readonly Change[] } => {
    warnings.length = 0;
    const record = withPrevious(sight.record, state.previous, owner);
    const keys = keysOf(record, owner.instance);
    const context: RestoreContext = {
      platform: sight.platform,
      keys,
      record,
      warn: (text) => warnings.push(text),
    };
    return { keys, changes: kind.restore(sight.observed, sight.args, context) };
  };
  const first = await look(kind, host, given);
  if (first.record.moved[state.instance] !== undefined) {
    await handedOver(urn, connection.host);
    return;
  }
  const owned = keysOf(first.record, owner.instance);
  if (planned(first).changes.length > 0 || owned.length > 0)
    await host.change(`delete ${id} of ${urn}`, async (writer) => {
      const sight = await look(kind, writer, given);
      const { keys, changes } = planned(sight);
      const progress = (text: string): void =>
        void say(urn, "info", `${host.address}: ${text}`, { ephemeral: true });
      const restored: Plan = {
        sight,
        changes,
        claims: [],
        record: sight.record,
        recordChanged: true,
      };
      await carryOut(kind, writer, restored, progress, urn, () => undefined);
      const { record } = await writer.read({ record: RECORD_FACT });
      await saveRecord(
        writer,
        release(
          parseRecord(record),
          keys.map(([name]) => name),
        ),
        record,
      );
    });
  for (const text of warnings) await say(urn, "warning", `${host.address}: ${text}`);
}

async function handedOver(urn: string, host: string): Promise<void> {
  await say(
    urn,
    "info",
    `${host}: this resource was taken over under another name; nothing was put back.`,
  );
}
