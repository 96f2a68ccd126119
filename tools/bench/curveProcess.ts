/**
 * A process for one measurement: it has the part of the provider's process. What the engine would give it and keep of its
 * answers stands in a file, which is its only argument.
 */
import { readFileSync, writeFileSync } from "node:fs";
import * as provider from "../../provider";
import { onSay } from "../../provider/driver/engineLog";
import type { Values } from "./curveSubjects";

/** What is measured: a preview of what is new, the rest of `up`, a refresh, an `up` that changes one value, `destroy`. */
export const OPERATIONS = ["check", "create", "no-op read", "change", "destroy"] as const;

export type Operation = (typeof OPERATIONS)[number];

/** A resource, and what the engine keeps of it. */
export interface Kept {
  readonly kind: string;
  readonly urn: string;
  /** What the program says, with the connection. */
  readonly news: Values;
  readonly id?: string;
  readonly inputs?: Values;
  readonly props?: Values;
}

export interface Order {
  readonly operation: Operation;
  readonly resources: readonly Kept[];
}

/** What the process took, without its start. */
export interface Outcome {
  readonly resources: readonly Kept[];
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The most memory that the process had at a time (getrusage(2)), its start included. */
  readonly peakKiB: number;
}

async function checked({ kind, urn, news, inputs = {} }: Kept, preview: boolean): Promise<Values> {
  const answer = await provider.check(kind, inputs, { ...news, owner: { urn, preview } });
  if (answer.failures.length > 0)
    throw new Error(answer.failures.map(({ reason }) => reason).join("\n"));
  return answer.inputs;
}

/** The engine checks one resource after the other, and lets the changes of all run at the same time. */
async function checkedAll(all: readonly Kept[], preview: boolean): Promise<readonly Values[]> {
  const inputs: Values[] = [];
  for (const one of all) inputs.push(await checked(one, preview));
  return inputs;
}

async function created(one: Kept, inputs: Values): Promise<Kept> {
  const { id, outs } = await provider.create(one.kind, inputs);
  return { ...one, id, inputs, props: outs };
}

async function reread(one: Kept): Promise<Kept> {
  const { kind, id = "", props = {}, inputs = {} } = one;
  const found = await provider.read(kind, id, props);
  if ((await provider.diff(kind, id, found.props, inputs)).changes)
    throw new Error(`${one.urn} is not as it was made`);
  return { ...one, props: found.props, inputs: found.inputs };
}

async function changed(one: Kept, inputs: Values): Promise<Kept> {
  const { kind, id = "", props = {} } = one;
  if (!(await provider.diff(kind, id, props, inputs)).changes) return one;
  const { outs } = await provider.update(kind, id, props, inputs);
  return { ...one, inputs, props: outs };
}

/** Each with its inputs as `check` answers them. */
async function afterCheck(
  all: readonly Kept[],
  work: (one: Kept, inputs: Values) => Promise<Kept>,
): Promise<readonly Kept[]> {
  const inputs = await checkedAll(all, false);
  return Promise.all(all.map((one, nth) => work(one, inputs[nth] ?? {})));
}

const WORK: Readonly<Record<Operation, (all: readonly Kept[]) => Promise<readonly Kept[]>>> = {
  check: async (all) => {
    await checkedAll(all, true);
    return all;
  },
  create: (all) => afterCheck(all, created),
  "no-op read": (all) => Promise.all(all.map(reread)),
  change: (all) => afterCheck(all, changed),
  destroy: async (all) => {
    await Promise.all(all.map(({ kind, id = "", props = {} }) => provider.delete(kind, id, props)));
    return [];
  },
};

async function main([path = ""]: readonly string[]): Promise<void> {
  const { operation, resources } = JSON.parse(readFileSync(path, "utf8")) as Order;
  // Messages go nowhere, but they are made.
  onSay(() => undefined);
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  const after = await WORK[operation](resources);
  const wallMs = Number(process.hrtime.bigint() - began) / 1e6;
  const { user, system } = process.cpuUsage(cpu);
  const { maxRSS: peakKiB } = process.resourceUsage();
  const cpuMs = (user + system) / 1000;
  const outcome: Outcome = { resources: after, wallMs, cpuMs, peakKiB };
  writeFileSync(path, JSON.stringify(outcome));
}

if (require.main === module)
  main(process.argv.slice(2)).then(
    // Connections stay open for later calls.
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? "") : String(error)}\n`);
      process.exit(1);
    },
  );
