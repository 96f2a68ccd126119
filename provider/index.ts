/**
 * What runs in the provider process. The text of a provider in an old state calls these methods by the kind's name:
 * their names and shapes are frozen for ever; only additions are possible.
 */
import { type CheckAnswer, check as checkKind } from "./driver/methods/check";
import {
  type CreateAnswer,
  create as createKind,
  update as updateKind,
} from "./driver/methods/createAndUpdate";
import { remove as removeKind } from "./driver/methods/delete";
import { type DiffAnswer, diff as diffKind } from "./driver/methods/diff";
import { type ReadAnswer, read as readKind } from "./driver/methods/read";
import { openApplied, packApplied } from "./driver/keptApplied";
import { migrate, migrateInputs } from "./driver/migrate";
import { keepingSecrets } from "./driver/secrets/keeping";
import type { Service, ServiceKind } from "./driver/service";
import { setStackConfig, type StackConfig } from "./host/stackConfig";
import { kinds } from "./kinds";
import { keyedTextOf } from "./kinds/secretFormats";
import { noteUntold } from "./postfix/lastServed";
import { reloadIfRunning, whoServes } from "./postfix/running";

type Values = Readonly<Record<string, unknown>>;

/** What the driver is told of Postfix. */
const postfix: Service = {
  whoServes,
  reload: reloadIfRunning,
  noteUntold,
  keyedText: keyedTextOf,
};

/** Every kind, by the name under which states know it. */
const byName: Readonly<Record<string, ServiceKind>> = Object.fromEntries(
  kinds.map((kind) => [kind.name, { ...kind, service: postfix }]),
);

function kindNamed(name: string): ServiceKind {
  const kind = byName[name];
  if (!kind)
    throw new Error(
      `pulumi-openbsd-postfix has no resource ${name}: the state was written by a newer version. Upgrade the package in this program.`,
    );
  return kind;
}

/** Judges the inputs on the host and prints the plan; what is wrong comes back by property. */
export function check(kind: string, olds: Values, news: Values): Promise<CheckAnswer> {
  const before = migrateInputs(olds);
  return keepingSecrets([before, news], () => checkKind(kindNamed(kind), before, news));
}

/** Compares the state with the inputs, without a look at the host. */
export function diff(kind: string, _id: string, olds: Values, news: Values): Promise<DiffAnswer> {
  // An old shape is no difference: every method brings it into today's, and the next update writes that.
  return Promise.resolve(diffKind(kindNamed(kind), opened(kind, olds), news));
}

/** A state that the engine has kept, whole and in today's shape. */
function opened(kind: string, state: Values): Values {
  return openApplied(migrate(state), kindNamed(kind).arguments);
}

/** A state for the engine to keep. */
function packed(kind: string, state: Values): Values {
  return packApplied(state, kindNamed(kind).arguments);
}

/** The state that an error carries, for the engine to keep as well. */
async function packedToo<T>(kind: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { properties } = error as { readonly properties?: Values };
    throw properties === undefined
      ? error
      : Object.assign(error as Error, { properties: packed(kind, properties) });
  }
}

/** Makes the host as the inputs say. */
export async function create(kind: string, inputs: Values): Promise<CreateAnswer> {
  const work = keepingSecrets([inputs], () => createKind(kindNamed(kind), inputs));
  const { id, outs } = await packedToo(kind, work);
  return { id, outs: packed(kind, outs) };
}

/** Looks at the host for a refresh. */
export async function read(kind: string, id: string, props: Values): Promise<ReadAnswer> {
  const state = opened(kind, props);
  const answer = await keepingSecrets([state, appliedOf(state)], () =>
    readKind(kindNamed(kind), id, state),
  );
  return { ...answer, props: packed(kind, answer.props) };
}

/** Makes the host as the new inputs say. */
export async function update(
  kind: string,
  id: string,
  olds: Values,
  news: Values,
): Promise<{ readonly outs: Values }> {
  const state = opened(kind, olds);
  const work = keepingSecrets([state, appliedOf(state), news], () =>
    updateKind(kindNamed(kind), id, state, news),
  );
  return { outs: packed(kind, await packedToo(kind, work)) };
}

/** The state's copy of the inputs as they were last applied, where there is one. */
function appliedOf(props: Values): Values {
  return (props["applied"] as Values | undefined) ?? {};
}

/** Before the first call by a text: the SDK gives it the stack's configuration. Older texts do not pass it on. */
export function configure(
  _kind: string,
  { config }: { readonly config: StackConfig },
): Promise<void> {
  setStackConfig(config);
  return Promise.resolve();
}

/** Puts back what was there before. */
async function remove(kind: string, id: string, props: Values): Promise<void> {
  const state = opened(kind, props);
  return keepingSecrets([state, appliedOf(state)], () => removeKind(kindNamed(kind), id, state));
}
export { remove as delete };
