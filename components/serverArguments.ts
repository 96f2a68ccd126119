/** The arguments of `PostfixServer`: one for each step. */
import * as pulumi from "@pulumi/pulumi";
import {
  type AnyArguments,
  object,
  optional,
  type Optional,
  single,
  violations,
} from "../provider/arguments/schema";
import type { AliasesArgs } from "./aliases";
import type { BaseMailerArgs } from "./baseMailer";
import type { ChrootResolvArgs } from "./chrootResolv";
import type { LookupTableArgs } from "./lookupTable";
import type { MailCheckArgs } from "./mailCheck";
import type { MailStoreArgs } from "./mailStore";
import type { MailerConfArgs } from "./mailerConf";
import type { MainCfArgs } from "./mainCf";
import type { MasterCfArgs } from "./masterCf";
import type { PostfixDocsArgs } from "./postfixDocs";
import type { PostfixPackageArgs } from "./postfixPackage";
import type { PostfixServiceArgs } from "./postfixService";
import type { RcConfLocalArgs } from "./rcConfLocal";
import type { RootCrontabArgs } from "./rootCrontab";
import { type MailRelayArgs, mailRelayArguments } from "./roles/mailRelay";
import { linesOf, withoutOutputs } from "./roles/roleArguments";
import { type SmarthostArgs, smarthostArguments } from "./roles/smarthost";
import { type SubmissionArgs, submissionArguments } from "./roles/submission";
import { type VirtualAccountsArgs, virtualAccountsArguments } from "./roles/virtualAccounts";
import type { OnHost } from "./step";
import type { TlsCertificateArgs } from "./tlsCertificate";

/** Is a step's argument an object, and no output? Its fields may be outputs, but whether there is a step must be known. */
function isPlain(given: unknown): given is object {
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  return isObject && !pulumi.Output.isInstance(given) && !(given instanceof Promise);
}

const step = optional(
  single((given) =>
    given === false || isPlain(given)
      ? undefined
      : "must be an object of arguments, whose fields may be outputs, or false, which leaves the step out.",
  ),
);
const tables = optional(
  single((given) =>
    isPlain(given) && Object.values(given).every(isPlain)
      ? undefined
      : "must be, by names of your own, objects of arguments, whose fields may be outputs.",
  ),
);

/** A role is checked whole, because which tables and services there are must not depend on outputs. */
function role(schema: AnyArguments): Optional<unknown> {
  const reason = "must be an object of arguments, whose fields may be outputs, or false.";
  return {
    optional: true,
    failures: (given) => {
      if (given === false) return [];
      return isPlain(given) ? schema.failures(withoutOutputs(given)) : [{ path: "", reason }];
    },
  };
}

const serverArguments = object<
  { readonly connection: unknown } & Partial<
    Record<Exclude<keyof PostfixServerArgs, "connection">, unknown>
  >
>(
  {
    connection: single(() => undefined),
    package: step,
    docs: step,
    mainCf: step,
    masterCf: step,
    tables,
    mailStore: step,
    certificate: step,
    aliases: step,
    chrootResolv: step,
    baseMailer: step,
    mailerConf: step,
    rcConfLocal: step,
    service: step,
    rootCrontab: step,
    mailCheck: step,
    relay: role(mailRelayArguments),
    smarthost: role(smarthostArguments),
    virtualAccounts: role(virtualAccountsArguments),
    submission: role(submissionArguments),
  },
  "argument of PostfixServer",
);

/**
 * Refuses unknown arguments at run time, because the compiler does not see them in a spread object or in JavaScript.
 *
 * @throws RunError that suggests the known name
 */
export function refuseUnknown(name: string, args: unknown): void {
  const failures = violations(serverArguments, args);
  if (failures.length === 0) return;
  throw new pulumi.RunError(`PostfixServer ${name}: ${linesOf(failures)}`);
}

/**
 * Arguments of {@link PostfixServer}: for each step the arguments of its component, or `false` to leave the step out. Their
 * fields may be outputs, but the objects themselves may not, because the resource graph must not depend on outputs.
 */
export interface PostfixServerArgs extends OnHost {
  /** The package. @defaultValue the release's own, without flavors */
  readonly package?: PostfixPackageArgs | false;
  /** The HTML manual in a web root. @defaultValue false */
  readonly docs?: PostfixDocsArgs | false;
  /**
   * Parameters of main.cf. Unless they are named here, `alias_maps`, which local(8) reads, and `alias_database`, which
   * newaliases(1) reads, are set to the file of {@link aliases}. @defaultValue only these two
   */
  readonly mainCf?: Partial<MainCfArgs> | false;
  /** Services of master.cf. @defaultValue false */
  readonly masterCf?: MasterCfArgs | false;
  /**
   * Lookup tables by names of your choice, as in `{ transport: { path: "/etc/postfix/transport", … } }`. Parameters in
   * {@link mainCf} make Postfix read them. @defaultValue none
   */
  readonly tables?: Readonly<Record<string, LookupTableArgs>>;
  /** The folder of virtual mailboxes, without the role {@link virtualAccounts}, which has its own. @defaultValue false */
  readonly mailStore?: MailStoreArgs | false;
  /** A certificate and its key, without the role {@link submission}, which has its own. @defaultValue false */
  readonly certificate?: TlsCertificateArgs | false;
  /** Alias entries. @defaultValue no entries; the database is built */
  readonly aliases?: Partial<AliasesArgs> | false;
  /** Files in the chroot. @defaultValue the files of the release's package */
  readonly chrootResolv?: ChrootResolvArgs | false;
  /** Stopping the base mailer. @defaultValue done */
  readonly baseMailer?: BaseMailerArgs | false;
  /** Switching /etc/mailer.conf to Postfix. @defaultValue done */
  readonly mailerConf?: MailerConfArgs | false;
  /** Boot configuration. @defaultValue Postfix starts at boot, with a log socket where the release needs one */
  readonly rcConfLocal?: RcConfLocalArgs | false;
  /** Starting and reloading Postfix. @defaultValue done */
  readonly service?: PostfixServiceArgs | false;
  /** Commenting out sendmail's line in root's crontab. @defaultValue done where there is one */
  readonly rootCrontab?: RootCrontabArgs | false;
  /** A test message. @defaultValue false */
  readonly mailCheck?: MailCheckArgs | false;
  /**
   * The host takes mail for domains and hands it on. As all roles, it needs {@link mainCf}, and makes tables and parameters
   * of its own. @defaultValue false
   */
  readonly relay?: MailRelayArgs | false;
  /** Domains whose addresses have mailboxes of their own, and no users on the host. @defaultValue false */
  readonly virtualAccounts?: VirtualAccountsArgs | false;
  /** People with a login send mail, over TLS. @defaultValue false */
  readonly submission?: SubmissionArgs | false;
  /** Mail for other domains goes to one host, which passes it on. @defaultValue false */
  readonly smarthost?: SmarthostArgs | false;
}
