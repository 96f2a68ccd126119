/** `delete`: the host goes back to what it was before the first apply. */
import type { Plan } from "../../contract/kind";
import { HostError } from "../../host/errors";
import type { Host, HostReader } from "../../host/host";
import { list, Look, lookAt } from "../../host/look";
import { knownMachine } from "../../host/pool";
import {
  EMPTY_RECORD,
  type KeyEntry,
  type Owner,
  RECORD_FOLDER,
  isHandedOver,
  keysOf,
  release,
  sendRecord,
} from "../../host/record";
import { FOUND_RECORD, RECORD } from "../../host/recordLook";
import { COPIES, dropCopies } from "../../host/savedFile";
import { carryOut } from "../carryOut";
import { connectFor } from "../connecting";
import { say, warnOf } from "../engineLog";
import { fingerprintsIn, sameMachine, waysOut } from "../machine";
import { inTheWay } from "../places";
import { withPrevious } from "../ownership";
import type { ServiceKind } from "../service";
import { type Sight, askKind, look } from "../sight";
import {
  type State,
  type Values,
  argsOf,
  connectionOf,
  isForgotten,
  noteDeleted,
  ownerUrn,
  stateOf,
} from "../state";
import { withWhoServes } from "../whoServes";

export async function remove(kind: ServiceKind, id: string, props: Values): Promise<void> {
  const state = stateOf(props);
  const applied = (props["applied"] as Values | undefined) ?? props;
  const urn = ownerUrn(applied);
  const connection = connectionOf(props);
  noteDeleted(urn, state);
  if (isForgotten(connection))
    return say(urn, "warning", `${connection.host} is forgotten: nothing was put back there.`);
  const host = await reach(props, state, urn);
  if (host === undefined) return handedOver(urn, connection.host);
  sameMachine(host, state.machine, connection);
  const given = argsOf(applied);
  const owner: Owner = { urn, instance: state.instance };
  if (Object.keys(state.previous.keys).length === 0) {
    const first = await look(kind, host, given);
    if (isHandedOver(first.record, state.instance)) return handedOver(urn, connection.host);
    const { plan, warnings } = undo(kind, first, state, owner);
    if (plan.changes.length === 0 && keysOf(first.record, owner.instance).length === 0) {
      await tidyUp(host, id, first);
      return warnFor(urn, host, first, warnings);
    }
  }
  const seeing = (reader: HostReader): Promise<Sight> =>
    look(kind, reader, given, { withPlaces: true });
  const purpose = `delete ${id} of ${urn}`;
  const { sight, warnings, isOver, saved } = await host.lookAndChange(
    purpose,
    seeing,
    async (writer, sight) => {
      if (isHandedOver(sight.record, state.instance)) return { sight, warnings: [], isOver: true };
      const { plan, keys, warnings } = undo(kind, sight, state, owner);
      const inWay = await inTheWay(writer, plan.changes, sight.places);
      const obstacles = [...(plan.obstacles ?? []), ...inWay.obstacles];
      if (obstacles.length > 0)
        throw new HostError("refused", {
          host: host.address,
          during: `putting back what was there before ${id}`,
          reason: obstacles.map(({ reason }) => reason).join("\n"),
          changed: "no",
          next: "Mend that on the host and run `pulumi destroy` again.",
        });
      const record = { ...sight.record, ...plan.owes };
      const errand = { urn, connectionHost: connection.host };
      const carrying = carryOut(writer, { plan, record, sight }, errand, (reader) =>
        lookAt(reader, Look.all({ found: FOUND_RECORD, copies: list(COPIES) })),
      );
      const { after } = await carrying.catch(async (error: unknown) => {
        throw await withWhoServes(kind, host, error);
      });
      // A Postfix that ran before the first apply goes on running, and must read the files that were put back.
      if (plan.changes.length > 0 && plan.tells) await kind.service.reload(writer);
      const names = keys.map(([name]) => name);
      const left = release(after.found.record, names);
      const sent = await sendRecord(writer, writer.inOrder(), left, after.found.file);
      const hasCopies = Object.keys(left.keys).length === 0 && after.copies !== null;
      if (sent.hasMore || hasCopies) await sent.saved;
      if (hasCopies) await dropCopies(writer, []);
      return { sight, warnings, isOver: false, saved: sent.saved };
    },
  );
  await saved;
  if (isOver) return handedOver(urn, connection.host);
  await warnFor(urn, host, sight, warnings);
}

async function warnFor(
  urn: string,
  host: Host,
  { recordWarning }: Sight,
  warnings: readonly string[],
): Promise<void> {
  await warnOf(
    urn,
    [...(recordWarning === undefined ? [] : [recordWarning]), ...warnings].map(
      (text) => `${host.address}: ${text}`,
    ),
  );
}

/** Removes the folder of a record that has gone, which a destroy leaves that is cut off before its end. */
async function tidyUp(host: Host, id: string, { recordFile }: Sight): Promise<void> {
  if (recordFile.type !== "absent" || (await lookAt(host, list(RECORD_FOLDER))) === null) return;
  await host.change(`tidy up after ${id}`, async (writer) => {
    const found = await lookAt(writer, FOUND_RECORD);
    if (found.file.type === "absent") await dropCopies(writer, []);
  });
}

/** The host; `undefined` where it cannot be reached, but another instance owns all keys of this one by now. */
async function reach(props: Values, state: State, urn: string): Promise<Host | undefined> {
  const connection = connectionOf(props);
  try {
    return await connectFor(urn, connection);
  } catch (error) {
    if (!HostError.isInstance(error)) throw error;
    // The host may have been renamed: then this process may be connected to the same machine under its new name.
    const { machine } = state;
    const known = machine === undefined ? undefined : knownMachine(fingerprintsIn(machine));
    const record = known ? await lookAt(known, RECORD) : EMPTY_RECORD;
    if (isHandedOver(record, state.instance)) return undefined;
    throw waysOut(error, connection, urn);
  }
}

/** How an instance is undone. */
interface Undoing {
  readonly plan: Plan;
  /** The keys of the instance, which the record gives up. */
  readonly keys: readonly (readonly [string, KeyEntry])[];
  /** Warnings of everything that is left as it is, with the reason. */
  readonly warnings: readonly string[];
}

function undo(kind: ServiceKind, sight: Sight, { previous }: State, owner: Owner): Undoing {
  const { platform, observed, args } = sight;
  const warnings: string[] = [];
  const record = withPrevious(sight.record, previous, owner, sight.files);
  const keys = keysOf(record, owner.instance);
  const context = { platform, keys, record, warn: (text: string) => void warnings.push(text) };
  const plan = askKind(kind, args, () => kind.restore(observed, args, context));
  return { plan, keys, warnings };
}

async function handedOver(urn: string, host: string): Promise<void> {
  await say(
    urn,
    "info",
    `${host}: this resource was taken over under another name; nothing was put back.`,
  );
}
