/** Carrying a decision out in a write section: the record first, then the changes, then another look. */
import type { ActContext } from "../contract/kind";
import { HostError } from "../host/errors";
import { digestOf, type FileState, type HostWriter } from "../host/host";
import { type HostRecord, type Json, type Owner, saveRecord, settled } from "../host/record";
import { equal, mapValues } from "../values/json";
import { applyChange } from "./applyChange";
import { type Decision, decide } from "./decision";
import { say } from "./engineLog";
import { nameChange, printChange } from "./printChange";
import type { ServiceKind } from "./service";
import { type Sight, look } from "./sight";
import { type State, type Values, userError } from "./state";

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

/**
 * Writes the record, then applies the changes one after the other. Returns the outputs that actions have set. Where the
 * first change that would do something is refused, the record is put back: who has changed nothing owns nothing.
 */
export async function carryOut(
  host: HostWriter,
  { plan, record, sight }: Pick<Decision, "plan" | "record" | "sight">,
  { urn, connectionHost, touches }: Errand,
): Promise<Values> {
  const kept = await KeptRecord.save(host, record, sight.recordFile).catch((error: unknown) => {
    if (HostError.isInstance(error) && error.changed !== "no") touches?.(true);
    throw error;
  });
  touches?.(true);
  const { attempts } = host;
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
  try {
    for (const change of plan.changes) {
      progress(nameChange(change));
      await applyChange(host, change, context);
    }
  } catch (error) {
    const isOnlyClaimed = host.attempts === attempts && !equal(record, sight.record);
    if (!isOnlyClaimed || !(await kept.putBack(sight.record))) throw error;
    touches?.(false);
    throw HostError.isInstance(error) ? error.with({ changed: "no" }) : error;
  }
  return outputs;
}

/** Says what is being done, in a line that the next one replaces. */
export function progressOn({ address }: HostWriter, urn: string): (text: string) => void {
  return (text) => void say(urn, "info", `${address}: ${text}`, { ephemeral: true });
}

/** The record as it stands on the host during a write section. */
class KeptRecord {
  private constructor(
    private readonly host: HostWriter,
    public record: HostRecord,
    private file: FileState,
  ) {}

  static async save(host: HostWriter, record: HostRecord, found: FileState): Promise<KeptRecord> {
    return new KeptRecord(host, record, await saveRecord(host, record, found));
  }

  async set(record: HostRecord): Promise<void> {
    this.record = record;
    this.file = await saveRecord(this.host, record, this.file);
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

/** Looks again: everything must be as wanted now. Then the record says so, and no longer what else could be there. */
export async function settle(
  kind: ServiceKind,
  host: HostWriter,
  given: Record<string, unknown>,
  owner: Owner,
  state: State,
): Promise<{ sight: Sight; record: HostRecord }> {
  const sight = await look(kind, host, given);
  const decision = decide(kind, sight, owner, { ...state, applied: sight.args });
  const { plan, claims, dropped, files } = decision;
  const stillToDo = [
    ...plan.changes.map(printChange),
    ...(plan.obstacles ?? []).map(({ path, reason }) => `${path}: ${reason}`),
  ];
  if (stillToDo.length > 0)
    throw userError(
      `${host.address}: after the change this is still not as wanted:\n${stillToDo.join("\n")}`,
    );
  const written = mapValues(files, (state) => digestOf(state) ?? null);
  const record = settled(sight.record, owner.instance, { claims, released: dropped, written });
  await saveRecord(host, record, sight.recordFile);
  return { sight, record };
}
