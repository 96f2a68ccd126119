/** The outcome of a run of the Pulumi CLI as data: its steps with their differences, and what it printed. */
import { isDeepStrictEqual } from "node:util";
import type { EngineEvent, OpMap, OpType } from "@pulumi/pulumi/automation";

/** What a run did, or would do, to one resource. */
export interface Step {
  /** What the engine did or plans, as in `update`. */
  readonly op: OpType;
  /** The resource's URN. */
  readonly urn: string;
  /** The resource's type token. */
  readonly type: string;
  /** The resource's name in the program. */
  readonly name: string;
  /** Paths of the inputs that differ, such as `parameters.myhostname` or `entries.root[0]`. */
  readonly diffs: readonly string[];
  /** The inputs before. The engine has masked the secrets. */
  readonly old: Readonly<Record<string, unknown>>;
  /** The inputs after. The engine has masked the secrets. */
  readonly new: Readonly<Record<string, unknown>>;
}

/** The outcome of a run of the CLI. */
export interface Outcome {
  /** Whether the CLI ended with exit status 0. */
  readonly ok: boolean;
  /** All that the CLI wrote to its standard output. */
  readonly stdout: string;
  /** All that the CLI wrote to its standard error. */
  readonly stderr: string;
  /** How long the run took, in milliseconds. */
  readonly elapsedMs: number;
  /** Every event of the engine, in its order. */
  readonly events: readonly EngineEvent[];
  /** How many resources each operation applied to, as the engine counts them. */
  readonly summary: OpMap;
  /** The steps in the order of the engine. A resource that is refreshed and then updated has two. */
  readonly steps: readonly Step[];
  /** By URN: the steps that changed something or would change it, including drift that a refresh found. */
  readonly changes: ReadonlyMap<string, Step>;
  /** By URN: the steps that failed. */
  readonly failed: ReadonlyMap<string, Step>;
  /** By URN ("" for the stack): the lines that the program, the provider and the engine printed. */
  readonly diagnostics: ReadonlyMap<string, string>;
}

/** The part of an outcome that comes from the events of the engine. */
export type Digest = Pick<
  Outcome,
  "events" | "summary" | "steps" | "changes" | "failed" | "diagnostics"
>;

/** Collects that part from the events. */
export function digest(events: readonly EngineEvent[]): Digest {
  const steps: Step[] = [];
  const changes = new Map<string, Step>();
  const failed = new Map<string, Step>();
  const diagnostics = new Map<string, string>();
  let summary: OpMap = {};
  for (const event of events) {
    if (event.summaryEvent) summary = event.summaryEvent.resourceChanges;
    if (event.resourcePreEvent) steps.push(step(event.resourcePreEvent.metadata));
    const done = event.resourcePreEvent ?? event.resOutputsEvent;
    // The first event of a refresh does not say whether anything has changed; the event with its outputs does.
    if (done && !unchanging.has(done.metadata.op)) {
      const change = step(done.metadata);
      changes.set(change.urn, changes.get(change.urn) ?? change);
    }
    const tried = event.resOpFailedEvent;
    if (tried) failed.set(tried.metadata.urn, step(tried.metadata));
    const printed = event.diagnosticEvent;
    if (printed && !printed.ephemeral && severities.has(printed.severity)) {
      const urn = printed.urn ?? "";
      diagnostics.set(urn, (diagnostics.get(urn) ?? "") + withoutColors(printed.message));
    }
  }
  return { events, summary, steps, changes, failed, diagnostics };
}

/** Operations that change nothing. */
const unchanging: ReadonlySet<OpType> = new Set(["same", "read", "refresh"]);

/** The severities that users see. The events also have debug lines of the SDK, which are not shown. */
const severities: ReadonlySet<string> = new Set(["info", "info#err", "warning", "error"]);

/** What an event says of its step. */
type Metadata = NonNullable<EngineEvent["resourcePreEvent"]>["metadata"];

/** Makes a step out of what an event says of it. */
function step(metadata: Metadata): Step {
  const { op, urn, type } = metadata;
  const before = metadata.old?.inputs ?? {};
  const after = metadata.new?.inputs ?? {};
  const name = urn.split("::").slice(3).join("::");
  return { op, urn, type, name, diffs: differences(before, after), old: before, new: after };
}

/**
 * Paths of the values that differ. A dynamic provider cannot report them, so the engine compares the inputs to show what
 * differs, and this function does the same.
 */
function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isContainer(before) || !isContainer(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  // This input is the code of the provider; users do not set it.
  keys.delete("__provider");
  return [...keys].flatMap((key) => {
    const inside = Array.isArray(after) ? `${path}[${key}]` : path && `${path}.${key}`;
    return differences(before[key], after[key], inside || key);
  });
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Removes the colors, which the engine marks as `<{%fg 1%}>` in its events, regardless of `--color`. */
function withoutColors(text: string): string {
  return text.replace(/<\{%.*?%\}>/g, "");
}

/** The change of the resource with this name; undefined if it did not change. */
export function changeOf(outcome: Outcome, name: string): Step | undefined {
  return [...outcome.changes.values()].find((change) => change.name === name);
}

/** What was printed under all resources with this name (a component and what it contains); "" if nothing was. */
export function printedUnder(outcome: Outcome, name: string): string {
  return [...outcome.diagnostics]
    .flatMap(([urn, text]) => (urn.endsWith(`::${name}`) ? [text] : []))
    .join("");
}
