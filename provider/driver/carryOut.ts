/** Carrying a decision out in a write section: the record first, then the changes, then another look. */
import type { ActContext } from "../contract/kind";
import { contentsOf, type FileState, type HostWriter } from "../host/host";
import { type HostRecord, type Json, type Owner, saveRecord } from "../host/record";
import { sha256 } from "../values/digest";
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
  /** Called before the first change. */
  readonly touched?: () => void;
}

/** Writes the record, then applies the changes one after the other. Returns the outputs that actions have set. */
export async function carryOut(
  host: HostWriter,
  { plan, record, sight }: Pick<Decision, "plan" | "record" | "sight">,
  { urn, connectionHost, touched }: Errand,
): Promise<Values> {
  const kept = await KeptRecord.save(host, record, sight.recordFile);
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
  for (const change of plan.changes) {
    progress(nameChange(change));
    touched?.();
    await applyChange(host, change, context);
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

  async note(key: string, applied: Json): Promise<void> {
    const entry = this.record.keys[key];
    if (entry)
      await this.set({
        ...this.record,
        keys: { ...this.record.keys, [key]: { ...entry, applied } },
      });
  }
}

/** Looks again: everything must be as wanted now. The digests of the written files are added to the record. */
export async function settle(
  kind: ServiceKind,
  host: HostWriter,
  given: Record<string, unknown>,
  owner: Owner,
  state: State,
): Promise<{ sight: Sight; record: HostRecord }> {
  const sight = await look(kind, host, given);
  const { plan, files } = decide(kind, sight, owner, { ...state, applied: sight.args });
  const stillToDo = [
    ...plan.changes.map(printChange),
    ...(plan.obstacles ?? []).map(({ path, reason }) => `${path}: ${reason}`),
  ];
  if (stillToDo.length > 0)
    throw userError(
      `${host.address}: after the change this is still not as wanted:\n${stillToDo.join("\n")}`,
    );
  const entries = { ...sight.record.files };
  for (const [path, state] of Object.entries(files)) {
    const entry = entries[path];
    const contents = contentsOf(state);
    if (entry)
      entries[path] = { ...entry, written: contents === undefined ? null : sha256(contents) };
  }
  const record = { ...sight.record, files: entries };
  await saveRecord(host, record, sight.recordFile);
  return { sight, record };
}
