/** What may be said of a server: which steps, and that each of them is described by an object. */
import * as pulumi from "@pulumi/pulumi";
import { object, optional, record, single, violations } from "../provider/arguments/schema";
import type { PostfixServerArgs } from "./postfixServer";

/** Arguments of a server that are those of a step, or, for `tables`, of several. */
export type Field = Exclude<keyof PostfixServerArgs, "connection">;

/** The resource graph must not depend on outputs: fields of a step's arguments may be some, they themselves may not. */
function isPlain(own: unknown): boolean {
  const isObject = typeof own === "object" && own !== null && !Array.isArray(own);
  return isObject && !pulumi.Output.isInstance(own) && !(own instanceof Promise);
}

/** The arguments, whatever is in those of a step. */
type Known = { readonly connection: unknown } & {
  readonly [F in Exclude<Field, "tables">]?: unknown;
} & { readonly tables?: Readonly<Record<string, unknown>> };

const OWN = "must be an object of arguments, whose fields may be outputs";
const table = single<unknown>((own) => (isPlain(own) ? undefined : `${OWN}.`));
const step = optional(
  single<unknown>((own) =>
    own === false || isPlain(own) ? undefined : `${OWN}, or false, which leaves the step out.`,
  ),
);

const serverArguments = object<Known>(
  {
    connection: single(() => undefined),
    package: step,
    docs: step,
    mainCf: step,
    masterCf: step,
    tables: optional(
      record(
        "must be arguments of tables by names of your own.",
        () => undefined,
        () => table,
      ),
    ),
    aliases: step,
    chrootResolv: step,
    baseMailer: step,
    mailerConf: step,
    rcConfLocal: step,
    service: step,
    rootCrontab: step,
    mailCheck: step,
  },
  "argument of PostfixServer",
);

/**
 * Refuses what the compiler would: a spread object, or a program in JavaScript, has nobody who says it before.
 *
 * @throws RunError that names what was meant
 */
export function refuseUnknown(name: string, args: unknown): void {
  const failures = violations(serverArguments, args);
  if (failures.length === 0) return;
  const said = failures.map(({ path, reason }) => `${path} ${reason}`.trim());
  throw new pulumi.RunError(`PostfixServer ${name}: ${said.join("\n")}`);
}
