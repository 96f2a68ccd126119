/** Refusing wrong arguments of roles when the program runs, before a host is looked at. */
import * as pulumi from "@pulumi/pulumi";
import {
  type AnyArguments,
  type Failure,
  UNKNOWN,
  violations,
} from "../../provider/arguments/schema";

/** The arguments with the mark of an unknown value in the place of each output: every schema lets it pass. */
export function withoutOutputs(value: unknown): unknown {
  if (pulumi.Output.isInstance(value) || value instanceof Promise) return UNKNOWN;
  if (Array.isArray(value)) return value.map(withoutOutputs);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, withoutOutputs(item)]),
  );
}

/** Failures as the lines of an error. */
export function linesOf(failures: readonly Failure[]): string {
  return failures.map(({ path, reason }) => `${path} ${reason}`.trim()).join("\n");
}

/** @throws RunError that names each wrong argument */
export function refuseWrongRole(
  kind: string,
  name: string,
  schema: AnyArguments,
  args: unknown,
): void {
  const failures = violations(schema, withoutOutputs(args));
  if (failures.length > 0) throw new pulumi.RunError(`${kind} ${name}: ${linesOf(failures)}`);
}
