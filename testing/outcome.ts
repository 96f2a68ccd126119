/** What came of a run of the CLI, from the engine's events: the steps with their diffs, and what was printed. */
import { isDeepStrictEqual } from "node:util";
import type { EngineEvent, OpMap, OpType } from "@pulumi/pulumi/automation";

/** One resource that a run looked at or changed. */
export interface Step {
  readonly op: OpType;
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Paths of the inputs that differ, such as `parameters.myhostname` or `entries.root[0]`. */
  readonly diffs: readonly string[];
  /** Inputs before and after; secrets as the engine masks them. */
  readonly old: Readonly<Record<string, unknown>>;
  readonly new: Readonly<Record<string, unknown>>;
}

/** What came of a run of the CLI. */
export interface Outcome {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
  readonly events: readonly EngineEvent[];
  /** How many resources each operation concerned, by the engine's own count. */
  readonly summary: OpMap;
  /** In the engine's order; a resource that is refreshed and then updated has two. */
  readonly steps: readonly Step[];
  /** By URN: what would change or did change, drift found by a refresh included. */
  readonly changes: ReadonlyMap<string, Step>;
  /** By URN: what was tried and failed. */
  readonly failed: ReadonlyMap<string, Step>;
  /** By URN ("" for the stack): the lines that program, provider and engine printed. */
  readonly diagnostics: ReadonlyMap<string, string>;
}

/** The part of an outcome that the events say. */
export type Digest = Pick<
  Outcome,
  "events" | "summary" | "steps" | "changes" | "failed" | "diagnostics"
>;

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
    // A refresh is announced as such, and says only with its outputs whether anything had changed.
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

const unchanging: ReadonlySet<OpType> = new Set(["same", "read", "refresh"]);

/** Events hold the SDK's debug lines as well, which nobody sees. */
const severities: ReadonlySet<string> = new Set(["info", "info#err", "warning", "error"]);

type Metadata = NonNullable<EngineEvent["resourcePreEvent"]>["metadata"];

function step(metadata: Metadata): Step {
  const { op, urn, type } = metadata;
  const before = metadata.old?.inputs ?? {};
  const after = metadata.new?.inputs ?? {};
  const name = urn.split("::").slice(3).join("::");
  return { op, urn, type, name, diffs: differences(before, after), old: before, new: after };
}

/** A dynamic provider cannot say what differs; the engine shows its own comparison, and so do we. */
function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isContainer(before) || !isContainer(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  // The provider's own code, which is no input of the user's.
  keys.delete("__provider");
  return [...keys].flatMap((key) => {
    const inside = Array.isArray(after) ? `${path}[${key}]` : path && `${path}.${key}`;
    return differences(before[key], after[key], inside || key);
  });
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The engine marks colors as `<{%fg 1%}>` in its events, whatever `--color` says. */
function withoutColors(text: string): string {
  return text.replace(/<\{%.*?%\}>/g, "");
}

/** What changed of the resource with this name; undefined if nothing did. */
export function changeOf(outcome: Outcome, name: string): Step | undefined {
  return [...outcome.changes.values()].find((change) => change.name === name);
}

/** What was printed under the resources with this name, a component and what is in it; "" if nothing was. */
export function printedUnder(outcome: Outcome, name: string): string {
  return [...outcome.diagnostics]
    .flatMap(([urn, text]) => (urn.endsWith(`::${name}`) ? [text] : []))
    .join("");
}
