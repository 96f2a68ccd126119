/** What may be said of a server: which steps, and that each of them is described by an object. */
import * as pulumi from "@pulumi/pulumi";
import { object, optional, single, violations } from "../provider/arguments/schema";
import type { AliasesArgs } from "./aliases";
import type { BaseMailerArgs } from "./baseMailer";
import type { ChrootResolvArgs } from "./chrootResolv";
import type { LookupTableArgs } from "./lookupTable";
import type { MailCheckArgs } from "./mailCheck";
import type { MailerConfArgs } from "./mailerConf";
import type { MainCfArgs } from "./mainCf";
import type { MasterCfArgs } from "./masterCf";
import type { PostfixDocsArgs } from "./postfixDocs";
import type { PostfixPackageArgs } from "./postfixPackage";
import type { PostfixServiceArgs } from "./postfixService";
import type { RcConfLocalArgs } from "./rcConfLocal";
import type { RootCrontabArgs } from "./rootCrontab";
import type { OnHost } from "./step";

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
/**
 * Arguments of {@link PostfixServer}: one for each step, with the arguments of that step's own component, or `false`
 * to leave the step out. None of them is an `Input` as a whole, because the resource graph must not depend on outputs;
 * their fields are.
 */
export interface PostfixServerArgs extends OnHost {
  /** The package. @defaultValue the release's own, without flavors */
  readonly package?: PostfixPackageArgs | false;
  /** The HTML manual in a web root. @defaultValue false */
  readonly docs?: PostfixDocsArgs | false;
  /**
   * Parameters of main.cf. `alias_maps` and `alias_database` are set to the file of {@link aliases} unless they are
   * named here: local(8) reads the first, newaliases(1) the second. @defaultValue only these two
   */
  readonly mainCf?: Partial<MainCfArgs> | false;
  /** Services in master.cf. @defaultValue false */
  readonly masterCf?: MasterCfArgs | false;
  /**
   * Lookup tables, each by a name of its own in the program, as in `{ transport: { path: "/etc/postfix/transport", … } }`.
   * Which parameter reads a table is said in {@link mainCf}. @defaultValue none
   */
  readonly tables?: Readonly<Record<string, LookupTableArgs>>;
  /** Alias entries. @defaultValue no entries of its own; the database is built */
  readonly aliases?: Partial<AliasesArgs> | false;
  /** Files in the chroot. @defaultValue those of the release's package */
  readonly chrootResolv?: ChrootResolvArgs | false;
  /** The base mailer stopped. @defaultValue done */
  readonly baseMailer?: BaseMailerArgs | false;
  /** /etc/mailer.conf switched. @defaultValue done */
  readonly mailerConf?: MailerConfArgs | false;
  /** Boot configuration. @defaultValue Postfix starts at boot, with a log socket where the release needs one */
  readonly rcConfLocal?: RcConfLocalArgs | false;
  /** Postfix started. @defaultValue done */
  readonly service?: PostfixServiceArgs | false;
  /** Sendmail's line in root's crontab commented out. @defaultValue done where there is one */
  readonly rootCrontab?: RootCrontabArgs | false;
  /** A test message. @defaultValue false */
  readonly mailCheck?: MailCheckArgs | false;
}
