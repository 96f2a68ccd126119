/** `create` and `update`. Both do the same: look, decide, carry out, look again. */
import { randomBytes } from "node:crypto";
import { NOTHING_BEFORE } from "../../contract/kind";
import { HostError, reasonOf } from "../../host/errors";
import type { Host, HostReader } from "../../host/host";
import {
  type HostRecord,
  type Owner,
  nextRevision,
  settled,
  withRevision,
} from "../../host/record";
import { clean, equal } from "../../values/json";
import { outdated } from "../approved";
import { carryOut, progressOn, settle } from "../carryOut";
import { connectFor } from "../connecting";
import { type Decision, decide } from "../decision";
import { say } from "../engineLog";
import { isMachine, machineOf, newlyPinned, sameMachine } from "../machine";
import { packPrevious } from "../keptPrevious";
import { SCHEMA } from "../migrate";
import { overlayOf } from "../overlay";
import { ownedByAnotherName, ownedElsewhere, previousOf } from "../ownership";
import { inTheWay } from "../places";
import { learnSecrets } from "../secrets/known";
import { maskAll, maskOwn } from "../secrets/masking";
import type { ServiceKind } from "../service";
import { shown, shownValues } from "../shown";
import { type Sight, Unfit, liveOf, look } from "../sight";
import {
  KEPT,
  type State,
  type Values,
  argsOf,
  connectionOf,
  formerRevision,
  isForgotten,
  nameToForget,
  ownerUrn,
  stateOf,
  userError,
  without,
} from "../state";
import { withWhoServes } from "../whoServes";

export interface CreateAnswer {
  readonly id: string;
  readonly outs: Values;
}

export async function create(kind: ServiceKind, inputs: Values): Promise<CreateAnswer> {
  // Masked, because the id is in the state and the engine prints it.
  const id = maskOwn(`${kind.name}/${kind.subject(argsOf(inputs))}`);
  const state: State = {
    previous: NOTHING_BEFORE,
    instance: randomBytes(8).toString("hex"),
    revision: formerRevision(ownerUrn(inputs)),
    machine: undefined,
    applied: undefined,
  };
  return { id, outs: await converge({ kind, id, inputs, state, olds: {}, pinned: false }) };
}

export async function update(
  kind: ServiceKind,
  id: string,
  olds: Values,
  news: Values,
): Promise<Values> {
  // `news` lacks the arguments that the program has dropped, which were applied before. Outputs are in neither.
  const given = without({ ...appliedOf(olds), ...news }, ["owner", "replaceOnChanges"]);
  const changed = Object.keys(given).filter((key) => !equal(olds[key], news[key]));
  const onlyConnection =
    olds["unread"] === undefined && olds["failed"] === undefined && equal(changed, ["connection"]);
  const pinned = newlyPinned(olds, news);
  // Another credential, port or user: only the state changes, and no host is asked.
  if (onlyConnection && !pinned)
    return clean({
      ...without(olds, Object.keys(appliedOf(olds))),
      ...without(news, []),
      applied: without(news, []),
    });
  return converge({ kind, id, inputs: news, state: stateOf(olds), olds, pinned });
}

/** The inputs as they were last applied. */
function appliedOf(olds: Values): Values {
  return (olds["applied"] as Values | undefined) ?? {};
}

/** One call of `create` or `update`. */
interface Request {
  readonly kind: ServiceKind;
  readonly id: string;
  readonly inputs: Values;
  readonly state: State;
  /** The former outputs; empty in a `create`. */
  readonly olds: Values;
  /** Does the program give another host key than before? Then a machine with that key is the right one. */
  readonly pinned: boolean;
}

/** The host as a call leaves it, complete or not, and the outputs of the actions. */
interface Outcome {
  readonly sight: Sight;
  readonly record: HostRecord;
  readonly outputs: Values;
}

async function converge(request: Request): Promise<Values> {
  const { inputs, pinned } = request;
  const connection = connectionOf(inputs);
  if (isForgotten(connection))
    throw userError(
      `${nameToForget(connection)} is named in PULUMI_OPENBSD_POSTFIX_FORGET, so it cannot be changed. Nothing was changed.`,
    );
  const host = await connectFor(ownerUrn(inputs), connection);
  // The host answers now, perhaps after a wait, so the checks of later steps look at it again.
  overlayOf(connection).isSilent = false;
  const { machine } = request.state;
  if (!pinned) sameMachine(host, machine, connection);
  // What was on another machine before the first apply must not be put back on this one.
  const state = isMachine(host, machine)
    ? request.state
    : { ...request.state, previous: NOTHING_BEFORE };
  return new Convergence({ ...request, state }, host).run();
}

/** Brings the host of one resource from its present state to the wanted one. */
class Convergence {
  private readonly urn: string;
  private readonly owner: Owner;
  private readonly args: Record<string, unknown>;
  private revision: number;
  /** The last decision: where a change fails and the host cannot be looked at again, the state is made from it. */
  private last: Decision | undefined;
  /** Has the host something of this call, or may it? Then the engine must keep a state, also after an error. */
  private touched = false;
  private begun = false;

  constructor(
    private readonly request: Request,
    private readonly host: Host,
  ) {
    this.urn = ownerUrn(request.inputs);
    this.owner = { urn: this.urn, instance: request.state.instance };
    this.args = argsOf(request.inputs);
    this.revision = request.state.revision;
  }

  async run(): Promise<Values> {
    const { host, urn } = this;
    // Where the check of this run has seen that there is something to do, the look in the write section is the first one.
    if (!overlayOf(connectionOf(this.request.inputs)).takeExpectation(urn)) {
      const before = await this.decideOn(host);
      this.mustBeFree(before);
      if (!before.recordChanged) return this.unchanged(before);
    }
    try {
      return await this.change();
    } catch (error) {
      const told = this.begun ? await withWhoServes(this.request.kind, host, error) : error;
      throw this.touched ? await this.partial(told) : told;
    }
  }

  private mustBeFree({ sight, claims }: Decision): void {
    const { host, urn, owner } = this;
    const elsewhere = ownedElsewhere(sight.record, claims, owner);
    if (elsewhere !== undefined)
      throw userError(
        `${elsewhere} (asked for by ${urn}). One thing has one owner. Nothing was changed on ${host.address}.`,
      );
  }

  /** The outputs where the host has everything as wanted already. */
  private unchanged(decision: Decision): Values {
    const { sight, claims, dropped } = decision;
    const settlement = { claims, released: dropped, written: {} };
    const record = settled(decision.record, this.owner.instance, settlement);
    return this.outputs({ sight, record, outputs: {} });
  }

  /** Decides inside the write section and carries the decision out; after a conflict, all of it a second time. */
  private async change(): Promise<Values> {
    const { host, urn, owner, args } = this;
    const { kind, id, inputs, state } = this.request;
    const deciding = (reader: HostReader): Promise<Decision> => this.decideOn(reader);
    const purpose = `${id} of ${urn}`;
    const { values, saved } = await host.lookAndChange(purpose, deciding, async (writer, first) => {
      for (let attempt = 1; ; attempt += 1) {
        const before = this.touched;
        const errand = {
          urn,
          connectionHost: connectionOf(inputs).host,
          touches: (touches: boolean) => {
            this.begun = true;
            this.touched = touches || before;
          },
        };
        const decision = attempt === 1 ? first : await this.decideOn(writer);
        this.mustBeFree(decision);
        if (attempt === 1) await this.mustBeAsShown(decision);
        if (!decision.recordChanged) return { values: this.unchanged(decision) };
        try {
          const { outputs, after } = await carryOut(writer, decision, errand, (reader) =>
            look(kind, reader, args),
          );
          const { record, saved } = await settle(kind, writer, after, owner, state);
          return { values: this.outputs({ sight: after, record, outputs }), saved };
        } catch (error) {
          if (!HostError.isInstance(error) || error.kind !== "conflict" || attempt > 1) throw error;
          progressOn(writer, urn)("somebody else changed a file in between; looking again");
        }
      }
    });
    await saved;
    return values;
  }

  private async decideOn(reader: HostReader): Promise<Decision> {
    const { kind, inputs, state } = this.request;
    try {
      const sight = await look(kind, reader, this.args, { withPlaces: true });
      const decision = decide(kind, sight, this.owner, state);
      const { plan } = decision;
      const { obstacles, aliases } = await inTheWay(reader, plan.changes, sight.places);
      const twice = ownedByAnotherName(sight.record, aliases, [this.urn]);
      const all = [
        ...[...(plan.obstacles ?? []), ...obstacles].map(({ reason }) => reason),
        ...(twice === undefined ? [] : [`${twice}. One thing has one owner.`]),
      ];
      if (all.length > 0) throw this.refused(all);
      learnSecrets(inputs, liveOf(kind, sight));
      this.revision = Math.max(state.revision, sight.record.revisions?.[this.urn] ?? 0);
      this.last = decision;
      if (plan.changes.length === 0) return decision;
      // From the record as it was found, because in the decision's record this instance owns the keys already. Recorded
      // before the first change, so that an interrupted apply has raised the revision too.
      this.revision = nextRevision(sight.record, this.owner, state.revision);
      const record = withRevision(decision.record, this.owner, this.revision);
      return (this.last = { ...decision, record });
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      throw userError(`${this.host.address}: ${error.message} Nothing was changed by this.`);
    }
  }

  /** Stops before the first change where somebody changed a file after the preview of this run; warns where one may have. */
  private async mustBeAsShown(decision: Decision): Promise<void> {
    const { kind, inputs } = this.request;
    const found = outdated(this.urn, decision);
    const text = found.map((one) => one.text).join("\n");
    if (found.some(({ certain }) => certain))
      throw new HostError("refused", {
        host: this.host.address,
        during: `${kind.name} for /${kind.subject(argsOf(inputs))}`,
        reason: `it is not what was shown any more. ${text}\n`,
        changed: "no",
        next: "Run `pulumi up` again: its preview shows the new plan",
      });
    if (found.length > 0)
      await say(
        this.urn,
        "warning",
        `${this.host.address}: ${text}\nIt is written so, because an action of an earlier step may have been the one to change it.`,
      );
  }

  /** The error of a plan with obstacles. */
  private refused(reasons: readonly string[]): HostError {
    const { kind, inputs } = this.request;
    return new HostError("refused", {
      host: this.host.address,
      during: `${kind.name} for /${kind.subject(argsOf(inputs))}`,
      reason: reasons.join("\n"),
      changed: "no",
      next: "Fix the arguments or the host and run `pulumi up` again.",
    });
  }

  private outputs({ sight, record, outputs }: Outcome): Values {
    const { kind, inputs, olds } = this.request;
    const wanted = {
      ...without(inputs, []),
      ...sight.args,
      connection: inputs["connection"],
      owner: this.urn,
      release: sight.platform.release,
    };
    return clean({
      ...without(olds, [...Object.keys({ ...appliedOf(olds), ...inputs }), ...KEPT]),
      ...wanted,
      ...shownValues(liveOf(kind, sight), wanted),
      ...shownValues(maskAll(kind.outputs(sight.observed, sight.args, sight.platform))),
      ...shownValues(maskAll(outputs)),
      applied: wanted,
      previous: packPrevious(previousOf(record, this.owner.instance), sight.files),
      machine: machineOf(this.host),
      instance: this.owner.instance,
      revision: this.revision,
      schema: SCHEMA,
    });
  }

  /** An error after a change, with the state for the engine to keep, from which the next run goes on. */
  private async partial(error: unknown): Promise<unknown> {
    const { kind, id, inputs } = this.request;
    if (this.last === undefined) return error;
    const message = shown(reasonOf(error));
    let { sight, record } = this.last;
    try {
      sight = await look(kind, this.host, this.args);
      record = sight.record;
    } catch {
      // The host cannot be looked at: the state keeps what was seen before the change, and the next run looks again.
    }
    const properties = { ...this.outputs({ sight, record, outputs: {} }), failed: message };
    return Object.assign(userError(message), {
      id,
      reasons: [message],
      properties: { ...properties, __provider: inputs["__provider"] },
    });
  }
}
