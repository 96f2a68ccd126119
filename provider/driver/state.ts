/** What travels between the engine and a method: inputs, the state, and what is said of them. */
import { type ConnectionArgs } from "../arguments/connection";
import { NOTHING_BEFORE, type Previous } from "../kind/kind";

/** Inputs that every kind has; the rest are the kind's arguments. */
const COMMON = ["connection", "owner", "release", "secretPaths", "replaceOnChanges"] as const;

/** Outputs that the driver keeps for itself. */
export const KEPT = [
  "applied",
  "previous",
  "machine",
  "instance",
  "revision",
  "schema",
  "unread",
  "failed",
] as const;

export type Values = Readonly<Record<string, unknown>>;

export interface State {
  readonly previous: Previous;
  readonly instance: string;
  readonly revision: number;
  readonly machine: string | undefined;
  /** The arguments as last applied; none when that never was, or failed. */
  readonly applied: Values | undefined;
}

export function without(values: Values, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([key]) => !keys.includes(key) && key !== "__provider"),
  );
}

export function argsOf(inputs: Values): Record<string, unknown> {
  return without(inputs, COMMON);
}

export function connectionOf(inputs: Values): ConnectionArgs {
  return inputs["connection"] as ConnectionArgs;
}

/** `owner` is `{ urn, preview }` as the program says it, and the URN alone once it was checked. */
export function ownerUrn(inputs: Values): string {
  const owner = inputs["owner"] as string | { urn: string } | undefined;
  return typeof owner === "object" ? owner.urn : (owner ?? "");
}

export function isPreview(inputs: Values): boolean {
  const owner = inputs["owner"];
  return (
    typeof owner === "object" && owner !== null && (owner as { preview?: boolean }).preview === true
  );
}

export function stateOf(props: Values): State {
  return {
    previous: (props["previous"] as Previous | undefined) ?? NOTHING_BEFORE,
    instance: (props["instance"] as string | undefined) ?? "",
    revision: Number(props["revision"] ?? 0),
    machine: props["machine"] as string | undefined,
    applied:
      props["failed"] === undefined && props["applied"] !== undefined
        ? argsOf(props["applied"] as Values)
        : undefined,
  };
}

/** Revisions of what was deleted in this process. */
const deleted = new Map<string, number>();

/** Notes that a resource goes: it may be made anew at once, as with deleteBeforeReplace. */
export function noteDeleted(urn: string, { revision }: State): void {
  deleted.set(urn, Math.max(revision, formerRevision(urn)));
}

/** The last revision of a resource of this name that was deleted in this process. */
export function formerRevision(urn: string): number {
  return deleted.get(urn) ?? 0;
}

/** An error that is its message: a stack of ours would tell the reader nothing. */
export function userError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}

/** What PULUMI_OPENBSD_POSTFIX_FORGET calls a host: its name, with the port where that is not 22. */
export function nameToForget({ host, port = 22 }: ConnectionArgs): string {
  return port === 22 ? host : `${host}:${port}`;
}

/** Hosts that are to be forgotten: `read` keeps their state and `delete` lets them go. */
export function isForgotten(connection: ConnectionArgs): boolean {
  const names = (process.env["PULUMI_OPENBSD_POSTFIX_FORGET"] ?? "").split(/[\s,]+/);
  return names.includes(connection.host) || names.includes(nameToForget(connection));
}
