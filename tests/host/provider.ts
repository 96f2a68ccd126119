/** The provider's methods as the engine calls them, without the engine. */
import * as provider from "../../provider";
import { onSay } from "../../provider/driver/engineLog";
import { openApplied } from "../../provider/driver/keptApplied";
import { forgetPlans } from "../../provider/driver/overlay";
import { kinds } from "../../provider/kinds";

type Values = Record<string, unknown>;

/** A resource that was made: what the engine would keep of it. */
export interface Made {
  readonly kind: string;
  readonly id: string;
  readonly news: Values;
  props: Values;
  inputs: Values;
}

const heard: string[] = [];
onSay((urn, severity, text) => heard.push(`${urn.split("::").at(-1) ?? ""} ${severity}: ${text}`));

/** What was said since the last call. */
export function said(): string {
  return heard.splice(0).join("\n");
}

export function urnOf(kind: string, stack = "test", name = kind): string {
  return `urn:pulumi:${stack}::project::openbsd-postfix:index:${kind}::${name}`;
}

/** What a program says for one resource. */
export function inputsOf(
  kind: string,
  args: Values,
  connection: Values,
  options: { readonly stack?: string; readonly name?: string; readonly preview?: boolean } = {},
): Values {
  const urn = urnOf(kind, options.stack, options.name ?? kind);
  return { ...args, connection, owner: { urn, preview: options.preview ?? false } };
}

/** The inputs of the last apply, of which a state keeps only what differs from the state. */
export function appliedOf(kind: string, props: Values): Values {
  const found = kinds.find(({ name }) => name === kind);
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return openApplied(props, found.arguments)["applied"] as Values;
}

/** `check`, which must find nothing wrong. */
export async function checked(kind: string, olds: Values, news: Values): Promise<Values> {
  const { inputs, failures } = await provider.check(kind, olds, news);
  if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("\n"));
  return inputs;
}

/** What `check` finds wrong, in a plan of its own. */
export async function failures(kind: string, news: Values, olds: Values = {}): Promise<string> {
  forgetPlans();
  const answer = await provider.check(kind, olds, news);
  return answer.failures.map(({ reason }) => reason).join("\n");
}

export async function create(kind: string, news: Values): Promise<Made> {
  const inputs = await checked(kind, {}, news);
  const { id, outs } = await provider.create(kind, inputs);
  return { kind, id, news, props: outs, inputs };
}

/** `read` as a refresh calls it; the made resource is then as the engine would have it. */
export async function refresh(made: Made): Promise<void> {
  const { props, inputs } = await provider.read(made.kind, made.id, made.props);
  made.props = props;
  made.inputs = inputs;
}

/** Would an `up` change it? `news` is what the program says, by default the same as before. */
export async function differs(made: Made, news: Values = made.news): Promise<boolean> {
  const wanted = await checked(made.kind, made.inputs, news);
  return (await provider.diff(made.kind, made.id, made.props, wanted)).changes;
}

export async function update(made: Made, news: Values = made.news): Promise<void> {
  const inputs = await checked(made.kind, made.inputs, news);
  const { outs } = await provider.update(made.kind, made.id, made.props, inputs);
  made.props = outs;
  made.inputs = inputs;
}

export function remove(made: Made): Promise<void> {
  return provider.delete(made.kind, made.id, made.props);
}
