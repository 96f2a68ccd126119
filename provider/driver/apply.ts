/** Carrying a plan out in a write section: the record first, then the changes, then another look. */
import { applyChange, printChange } from "./printChange";
import { contentsOf } from "../host/host";
import { sha256 } from "../values/digest";
import { type HostWriter } from "../host/host";
import { type HostRecord, type Json, type Owner, saveRecord } from "../host/record";
import { type AnyKind, type Change, type StepContext } from "../kind/kind";
import { say } from "./engineLog";
import { type Plan, type Sight, decide, look } from "./plan";
import { type State, type Values, userError } from "./state";

/** Writes the record, then does the changes one after the other. */
export async function carryOut(
  kind: AnyKind,
  host: HostWriter,
  plan: Plan,
  progress: (text: string) => void,
  urn: string,
  touched: () => void,
  connectionHost: string,
): Promise<Values> {
  const { sight } = plan;
  let record = plan.record;
  let recordFile = await saveRecord(host, record, sight.recordFile);
  const setRecord = async (change: (record: HostRecord) => HostRecord): Promise<void> => {
    record = change(record);
    recordFile = await saveRecord(host, record, recordFile);
  };
  const note = async (key: string, applied: Json): Promise<void> => {
    const entry = record.keys[key];
    if (!entry) return;
    record = { ...record, keys: { ...record.keys, [key]: { ...entry, applied } } };
    recordFile = await saveRecord(host, record, recordFile);
  };
  const context: StepContext = {
    platform: sight.platform,
    progress,
    get record() {
      return record;
    },
    note,
    connectionHost,
    setRecord,
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
  if (change.change === "write" || change.change === "remove")
    return `${change.change} ${change.path}`;
  return change.text;
}

/** Looks again: everything must be as wanted now. What was written is noted in the record. */
export async function settle(
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
    if (entry)
      files[path] = { ...entry, written: contents === undefined ? null : sha256(contents) };
  }
  const record = { ...sight.record, files };
  await saveRecord(host, record, sight.recordFile);
  return { sight, record };
}
