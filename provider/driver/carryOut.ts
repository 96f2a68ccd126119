/** Carrying a decision out in a write section: the record first, then the changes, then another look. */
import type { ActContext, FileChange } from "../contract/kind";
import { HostError } from "../host/errors";
import {
  digestOf,
  type FileState,
  type HostReader,
  type HostWriter,
  MAX_AT_ONCE,
} from "../host/host";
import {
  type HostRecord,
  type Json,
  type Owner,
  saveRecord,
  sendRecord,
  settled,
} from "../host/record";
import { inTheirOrder } from "../host/replies";
import { equal, mapValues } from "../values/json";
import { applyChange } from "./applyChange";
import { type Decision, decide } from "./decision";
import { say } from "./engineLog";
import { nameChange, printChange } from "./printChange";
import type { ServiceKind } from "./service";
import type { Sight } from "./sight";
import type { State, Values } from "./state";

/** The resource for which a decision is carried out. */
export interface Errand {
  readonly urn: string;
  /** The host as the program's `connection` names it. */
  readonly connectionHost: string;
  /**
   * Called with true once the record is written, or may have been: from then on the host has something of the resource. With
   * false once the record is as it was again, because nothing else was changed.
   */
  readonly touches?: (touches: boolean) => void;
}

/** A host that has been changed: the outputs that actions have set, and what was asked after the last change. */
export interface CarriedOut<T> {
  readonly outputs: Values;
  readonly after: T;
}

/**
 * Writes the record, then applies the changes one after the other. Writes and removals of files travel with the record, and
 * the host carries each out only once the one before it is done; an action is waited for. Where the first change that would
 * do something is refused, the record is put back: who has changed nothing owns nothing.
 *
 * @param ask what is asked once all is done, in the same round trip
 */
export async function carryOut<T>(
  host: HostWriter,
  { plan, record, sight }: Pick<Decision, "plan" | "record" | "sight">,
  { urn, connectionHost, touches }: Errand,
  ask: (host: HostReader) => Promise<T>,
): Promise<CarriedOut<T>> {
  const ordered = host.inOrder();
  const kept = await KeptRecord.send(host, ordered, record, sight.recordFile);
  const saved = kept.saved.then(
    () => touches?.(true),
    (error: unknown) => {
      if (HostError.isInstance(error) && error.changed !== "no") touches?.(true);
      throw error;
    },
  );
  const progress = progressOn(host, urn);
  let outputs: Values = {};
  const context: ActContext = {
    platform: sight.platform,
    connectionHost,
    progress,
    warn: (text) => void say(urn, "warning", `${host.address}: ${text}`),
    output: (more) => (outputs = { ...outputs, ...more }),
    get record() {
      return kept.record;
    },
    setRecord: (change) => kept.set(change(kept.record)),
    note: (key, applied) => kept.note(key, applied),
  };
  let written = 0;
  const actors: HostWriter[] = [];
  const underWay = new UnderWay();
  underWay.add(saved);
  try {
    if (kept.hasMore) await underWay.done();
    for (const change of plan.changes) {
      progress(nameChange(change));
      if (change.change === "act") {
        // The first requests of an action travel with what is under way.
        const actor = ordered.behind();
        actors.push(actor);
        underWay.add(applyChange(actor, change, context));
        await underWay.done();
      } else if (isLarge(change)) {
        await underWay.done();
        await applyChange(host, change, context);
        written += 1;
      } else underWay.add(applyChange(ordered, change, context).then(() => (written += 1)));
    }
    const asked = ask(ordered);
    underWay.add(asked);
    await underWay.done();
    return { outputs, after: await asked };
  } catch (error) {
    await underWay.settled();
    const isSaved = await kept.saved.then(
      () => true,
      () => false,
    );
    const isUnchanged =
      written === 0 && !kept.isNoted && actors.every(({ attempts }) => attempts === 0);
    const isOnlyClaimed = isSaved && isUnchanged && !equal(record, sight.record);
    if (!isOnlyClaimed || !(await kept.putBack(sight.record))) throw error;
    touches?.(false);
    throw HostError.isInstance(error) ? error.with({ changed: "no" }) : error;
  }
}

/** Requests whose replies are waited for later. */
class UnderWay {
  #all: Promise<unknown>[] = [];

  add(one: Promise<unknown>): void {
    one.catch(() => undefined);
    this.#all.push(one);
  }

  /** Waits for all. @throws the error of the first that failed */
  async done(): Promise<void> {
    await inTheirOrder(this.#all);
    this.#all = [];
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#all);
  }
}

/** Does the write of a file take more than one request? */
function isLarge(change: FileChange): boolean {
  return change.change === "write" && change.contents.length > MAX_AT_ONCE;
}

/** Says what is being done, in a line that the next one replaces. */
export function progressOn({ address }: HostWriter, urn: string): (text: string) => void {
  return (text) => void say(urn, "info", `${address}: ${text}`, { ephemeral: true });
}

/** The record as it stands on the host during a write section. */
class KeptRecord {
  /** Has an action changed it? */
  isNoted = false;

  private constructor(
    private readonly host: HostWriter,
    public record: HostRecord,
    /** The file of the record, once it is saved. */
    public saved: Promise<FileState>,
    /** Are there requests left to be made once it is saved? */
    readonly hasMore: boolean,
  ) {}

  static async send(
    host: HostWriter,
    ordered: HostWriter,
    record: HostRecord,
    found: FileState,
  ): Promise<KeptRecord> {
    const { saved, hasMore } = await sendRecord(host, ordered, record, found);
    return new KeptRecord(host, record, saved, hasMore);
  }

  async set(record: HostRecord): Promise<void> {
    const file = await this.saved;
    this.isNoted = true;
    this.record = record;
    this.saved = saveRecord(this.host, record, file);
    await this.saved;
  }

  /** Makes the record what it was before it was saved. Returns whether that was possible; a broken line keeps it as it is. */
  async putBack(former: HostRecord): Promise<boolean> {
    return this.set(former).then(
      () => true,
      () => false,
    );
  }

  async note(key: string, applied: Json): Promise<void> {
    const entry = this.record.keys[key];
    if (entry)
      await this.set({
        ...this.record,
        keys: { ...this.record.keys, [key]: { ...entry, applied } },
      });
  }
}

/** What another look has shown, once the record says so too. */
interface Settled {
  readonly record: HostRecord;
  /** Settles once the record is saved. Nothing else is to be done on the host after that. */
  readonly saved: Promise<unknown>;
}

/** After another look: everything must be as wanted now. Then the record says so, and no longer what else could be there. */
export async function settle(
  kind: ServiceKind,
  host: HostWriter,
  sight: Sight,
  owner: Owner,
  state: State,
): Promise<Settled> {
  const decision = decide(kind, sight, owner, { ...state, applied: sight.args });
  const { plan, claims, dropped, files } = decision;
  const stillToDo = [
    ...plan.changes.map(printChange),
    ...(plan.obstacles ?? []).map(({ path, reason }) => `${path}: ${reason}`),
  ];
  if (stillToDo.length > 0)
    throw new HostError("refused", {
      host: host.address,
      during: "looking again after the change",
      reason: `this is still not as wanted:\n${stillToDo.join("\n")}\n`,
      changed: "yes",
      next: "Somebody else may have changed it at the same time. Run the same command again; if it ends the same way, report it.",
    });
  const written = mapValues(files, (state) => digestOf(state) ?? null);
  const record = settled(sight.record, owner.instance, { claims, released: dropped, written });
  const { saved, hasMore } = await sendRecord(host, host.inOrder(), record, sight.recordFile);
  if (hasMore) await saved;
  return { record, saved };
}
