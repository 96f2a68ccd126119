/** What may be said of a server: which steps, and that each of them is described by an object. */
import * as pulumi from "@pulumi/pulumi";
import { object, optional, single, violations } from "../provider/arguments/schema";
import type { PostfixServerArgs } from "./postfixServer";

/** Arguments of a server that are those of a step, or, for `tables`, of several. */
export type Field = Exclude<keyof PostfixServerArgs, "connection">;

/** The resource graph must not depend on outputs: fields of a step's arguments may be some, they themselves may not. */
function isPlain(own: unknown): own is object {
  const isObject = typeof own === "object" && own !== null && !Array.isArray(own);
  return isObject && !pulumi.Output.isInstance(own) && !(own instanceof Promise);
}

const step = optional(
  single((own) =>
    own === false || isPlain(own)
      ? undefined
      : "must be an object of arguments, whose fields may be outputs, or false, which leaves the step out.",
  ),
);
const tables = optional(
  single((own) =>
    isPlain(own) && Object.values(own).every(isPlain)
      ? undefined
      : "must be, by names of your own, objects of arguments, whose fields may be outputs.",
  ),
);

const serverArguments = object<{ readonly connection: unknown } & Partial<Record<Field, unknown>>>(
  {
    connection: single(() => undefined),
    package: step,
    docs: step,
    mainCf: step,
    masterCf: step,
    tables,
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
