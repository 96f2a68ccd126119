/** `delete`: what was there before comes back. */
import { HostError } from "../../host/errors";
import type { Host, HostWriter } from "../../host/host";
import { connect, knownMachine } from "../../host/pool";
import {
  EMPTY_RECORD,
  type KeyEntry,
  type Owner,
  isHandedOver,
  keysOf,
  parseRecord,
  release,
  saveRecord,
} from "../../host/record";
import { type AnyKind, type Change, type RestoreContext } from "../../kind/kind";
import { RELOAD, isPostfixRunning } from "../../postfix/running";
import { carryOut } from "../apply";
import { say } from "../engineLog";
import { sameMachine, waysOut } from "../machine";
import { type Plan, RECORD_FACT, type Sight, askKind, look, withPrevious } from "../plan";
import {
  type Values,
  argsOf,
  connectionOf,
  isForgotten,
  noteDeleted,
  ownerUrn,
  stateOf,
} from "../state";
import { withWhoServes } from "../whoServes";

export async function remove(kind: AnyKind, id: string, props: Values): Promise<void> {
  const state = stateOf(props);
  const applied = (props["applied"] as Values | undefined) ?? props;
  const urn = ownerUrn(applied);
  const connection = connectionOf(props);
  noteDeleted(urn, state);
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
    const record = known
      ? parseRecord((await known.read({ record: RECORD_FACT })).record)
      : EMPTY_RECORD;
    if (!isHandedOver(record, state.instance)) throw waysOut(error, connection, urn);
    await handedOver(urn, connection.host);
    return;
  }
  sameMachine(host, state.machine, connection);
  const given = argsOf(applied);
  const warnings: string[] = [];
  const planned = (
    sight: Sight,
  ): { keys: readonly (readonly [string, KeyEntry])[]; changes: readonly Change[] } => {
    warnings.length = 0;
    const record = withPrevious(sight.record, state.previous, owner);
    const keys = keysOf(record, owner.instance);
    const context: RestoreContext = {
      platform: sight.platform,
      keys,
      record,
      warn: (text) => warnings.push(text),
    };
    const changes = askKind(kind, sight.args, () =>
      kind.restore(sight.observed, sight.args, context),
    );
    return { keys, changes };
  };
  const first = await look(kind, host, given);
  if (isHandedOver(first.record, state.instance)) {
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
        record: { ...sight.record, ...kind.owes?.(changes) },
        recordChanged: true,
      };
      try {
        await carryOut(kind, writer, restored, progress, urn, () => undefined, connection.host);
      } catch (error) {
        throw await withWhoServes(kind, host, error);
      }
      if (changes.length > 0 && kind.pending?.(sight.args, changes, sight.observed))
        await tellPostfix(writer);
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

/** A Postfix that goes on running, because it ran before us, serves by what was put back. */
async function tellPostfix(host: HostWriter): Promise<void> {
  if (await isPostfixRunning(host)) await host.run({ argv: RELOAD });
}

async function handedOver(urn: string, host: string): Promise<void> {
  await say(
    urn,
    "info",
    `${host}: this resource was taken over under another name; nothing was put back.`,
  );
}
