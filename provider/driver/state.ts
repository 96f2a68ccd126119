/** The values that the engine and a method exchange: inputs and states. */
import { type ConnectionArgs } from "../arguments/connection";
import { type KeptPrevious, keptPrevious } from "./keptPrevious";

/** Inputs that every kind has; the rest are the kind's arguments. */
export const COMMON = [
  "connection",
  "owner",
  "release",
  "secretPaths",
  "replaceOnChanges",
] as const;

/** Outputs that the driver adds to those of every kind, for its own use. */
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
  readonly previous: KeptPrevious;
  readonly instance: string;
  readonly revision: number;
  readonly machine: string | undefined;
  /** The arguments of the last apply; `undefined` where there was none or it failed. */
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

/** The input `owner` is `{ urn, preview }` as the program gives it, and the URN alone after `check`. */
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
    previous: keptPrevious(props["previous"]),
    instance: (props["instance"] as string | undefined) ?? "",
    revision: Number(props["revision"] ?? 0),
    machine: props["machine"] as string | undefined,
    applied:
      props["failed"] === undefined && props["applied"] !== undefined
        ? argsOf(props["applied"] as Values)
        : undefined,
  };
}

/** The last revisions of the resources that were deleted in this process, by their URNs. */
const deleted = new Map<string, number>();

/** Keeps the revision of a resource that is deleted, for one that is created again at once, as with deleteBeforeReplace. */
export function noteDeleted(urn: string, { revision }: State): void {
  deleted.set(urn, Math.max(revision, formerRevision(urn)));
}

/** The last revision of a resource with this URN that was deleted in this process; 0 where there was none. */
export function formerRevision(urn: string): number {
  return deleted.get(urn) ?? 0;
}

/** An error for the user, whose stack is its message: where in the provider it was thrown means nothing to the reader. */
export function userError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}

/** The name of a host in PULUMI_OPENBSD_POSTFIX_FORGET: with the port where that is not 22. */
export function nameToForget({ host, port = 22 }: ConnectionArgs): string {
  return port === 22 ? host : `${host}:${port}`;
}

/** Is the host to be forgotten? Then `read` keeps its state as it is, and `delete` does not reach for it. */
export function isForgotten(connection: ConnectionArgs): boolean {
  const names = (process.env["PULUMI_OPENBSD_POSTFIX_FORGET"] ?? "").split(/[\s,]+/);
  return names.includes(connection.host) || names.includes(nameToForget(connection));
}
