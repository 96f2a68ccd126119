import * as pulumi from "@pulumi/pulumi";
import { Aliases, type AliasesArgs } from "./aliases";
import { BaseMailer, type BaseMailerArgs } from "./baseMailer";
import { ChrootResolv, type ChrootResolvArgs } from "./chrootResolv";
import { LookupTable, type LookupTableArgs } from "./lookupTable";
import { MailCheck, type MailCheckArgs } from "./mailCheck";
import { MailerConf, type MailerConfArgs } from "./mailerConf";
import { MainCf, type MainCfArgs } from "./mainCf";
import { MasterCf, type MasterCfArgs } from "./masterCf";
import { PostfixDocs, type PostfixDocsArgs } from "./postfixDocs";
import { PostfixPackage, type PostfixPackageArgs } from "./postfixPackage";
import { PostfixService, type PostfixServiceArgs } from "./postfixService";
import { RcConfLocal, type RcConfLocalArgs } from "./rcConfLocal";
import { RootCrontab, type RootCrontabArgs } from "./rootCrontab";
import { refuseUnknown } from "./serverArguments";
import { FILES, given, SERVER, ServerSteps } from "./serverSteps";
import type { OnHost } from "./step";

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

/**
 * A Postfix server as the guide sets it up: all steps in the order in which they, and undoing them, never leave the
 * host without a mailer for longer than needed.
 *
 * @example
 * ```ts
 * import { PostfixServer } from "pulumi-openbsd-postfix";
 *
 * const mx = new PostfixServer("mx1", {
 *   connection: { host: "mx1.example.org", user: "root" },
 *   mainCf: { parameters: { myhostname: "mx1.example.org", mydomain: "example.org", myorigin: "$mydomain" } },
 *   aliases: { entries: { root: ["alice"], postmaster: ["root"], webmaster: ["root"] } },
 *   mailCheck: { recipient: "alice" },
 * });
 *
 * export const banner = mx.banner;
 * ```
 */
export class PostfixServer extends pulumi.ComponentResource {
  /** The package; like every step here, `undefined` where it is left out. */
  readonly package: PostfixPackage | undefined;
  /** The HTML manual in a web root. */
  readonly docs: PostfixDocs | undefined;
  /** The services in master.cf. */
  readonly masterCf: MasterCf | undefined;
  /** The lookup tables, by their names in the arguments. */
  readonly tables: Readonly<Record<string, LookupTable>>;
  /** The alias entries and their database. */
  readonly aliases: Aliases | undefined;
  /** The parameters of main.cf, with what Postfix makes of them. */
  readonly mainCf: MainCf | undefined;
  /** The files in the chroot. */
  readonly chrootResolv: ChrootResolv | undefined;
  /** The base system's mailer, stopped. */
  readonly baseMailer: BaseMailer | undefined;
  /** /etc/mailer.conf. */
  readonly mailerConf: MailerConf | undefined;
  /** /etc/rc.conf.local. */
  readonly rcConfLocal: RcConfLocal | undefined;
  /** Postfix running; what depends on a mail server that serves depends on this. */
  readonly service: PostfixService | undefined;
  /** Root's crontab. */
  readonly rootCrontab: RootCrontab | undefined;
  /** The test message. */
  readonly mailCheck: MailCheck | undefined;
  /** The first line on port 25; `undefined` where the service is left out. */
  readonly banner: pulumi.Output<string> | undefined;
  /** Postfix's version, as in "3.7.11"; `undefined` where the service is left out. */
  readonly version: pulumi.Output<string> | undefined;
  /** The package's full name in the package database; `undefined` where the package is left out. */
  readonly packageName: pulumi.Output<string> | undefined;
  /** What Postfix takes for the host's name (`myhostname`); `undefined` where main.cf is left out. */
  readonly hostname: pulumi.Output<string | undefined> | undefined;
  /** The queue id of the test message; `undefined` where there is none. */
  readonly queueId: pulumi.Output<string> | undefined;
  /** The host's OpenBSD release, as in "7.8"; `undefined` where every step is left out. */
  readonly release: pulumi.Output<string> | undefined;

  constructor(name: string, args: PostfixServerArgs, opts?: pulumi.ComponentResourceOptions) {
    refuseUnknown(name, args);
    super("openbsd-postfix:index:PostfixServer", name, {}, opts);
    const steps = new ServerSteps(this, name, args.connection, opts);
    // Nothing that runs has changed until the switch: files first, and what reads them after them.
    this.package = steps.add("package", PostfixPackage, args.package ?? {});
    this.docs = steps.add("docs", PostfixDocs, docsOf(args, steps));
    this.tables = steps.addTables(LookupTable, args.tables ?? {});
    this.aliases = steps.add("aliases", Aliases, aliasesOf(args));
    this.masterCf = steps.add("masterCf", MasterCf, args.masterCf ?? false);
    this.mainCf = steps.add("mainCf", MainCf, mainCfOf(args));
    this.chrootResolv = steps.add("chrootResolv", ChrootResolv, args.chrootResolv ?? {});
    // The switch: as short as it can be.
    this.baseMailer = steps.add("baseMailer", BaseMailer, args.baseMailer ?? {});
    this.mailerConf = steps.add("mailerConf", MailerConf, args.mailerConf ?? {});
    this.rcConfLocal = steps.add("rcConfLocal", RcConfLocal, args.rcConfLocal ?? {});
    this.service = steps.add("service", PostfixService, serviceOf(args, steps));
    this.rootCrontab = steps.add("rootCrontab", RootCrontab, args.rootCrontab ?? {});
    this.mailCheck = steps.add("mailCheck", MailCheck, mailCheckOf(args, steps));

    this.banner = this.service?.banner;
    this.version = this.service?.version;
    this.packageName = this.package?.packageName;
    this.hostname = this.mainCf?.effective.apply(
      (effective: Readonly<Record<string, string>> | undefined) => effective?.["myhostname"],
    );
    this.queueId = this.mailCheck?.queueId;
    this.release = steps.of(ALL)[0]?.release;
    const { banner, version, release, packageName, hostname, queueId } = this;
    this.registerOutputs({ banner, version, release, packageName, hostname, queueId });
  }
}

/** The steps that say which release the host has, and before which no message is sent. */
const ALL = [...SERVER, "rootCrontab"] as const;

/** Another version of the package has another manual. */
function docsOf({ docs = false }: PostfixServerArgs, steps: ServerSteps): PostfixDocsArgs | false {
  return given(docs, (own) => {
    if (own.triggers === undefined && steps.of(["package"]).length === 0) return own;
    return { ...own, triggers: steps.revisions(["package"], own.triggers) };
  });
}

function aliasesOf({ aliases = {} }: PostfixServerArgs): AliasesArgs | false {
  return given(aliases, (own) => ({ entries: {}, ...own }));
}

/** A syslogd that is started anew leaves Postfix's chrooted processes with a socket that nobody reads. */
function serviceOf({ service = {} }: PostfixServerArgs, steps: ServerSteps) {
  return given(service, (own) => ({
    ...own,
    triggers: steps.revisions([...FILES, "rcConfLocal"], own.triggers),
  }));
}

function mailCheckOf({ mailCheck = false }: PostfixServerArgs, steps: ServerSteps) {
  return given(mailCheck, (own) => ({ ...own, triggers: steps.revisions(ALL, own.triggers) }));
}

function mainCfOf(args: PostfixServerArgs): MainCfArgs | false {
  return given(args.mainCf ?? {}, (own) => ({
    ...own,
    parameters: parametersOf(own.parameters ?? {}, args.aliases ?? {}),
  }));
}

/** The user's parameters, and the two that make Postfix read the alias file that the aliases step manages. */
function parametersOf(
  own: MainCfArgs["parameters"],
  aliases: Partial<AliasesArgs> | false,
): MainCfArgs["parameters"] {
  if (aliases === false) return own;
  const table = pulumi.interpolate`hash:${aliases.file ?? "/etc/postfix/aliases"}`;
  const both = { alias_maps: table, alias_database: table };
  // Name by name where the program gives names: one secret among them must not hide the others.
  if (pulumi.Output.isInstance(own) || own instanceof Promise)
    return pulumi.output(own).apply((parameters) => ({ ...both, ...parameters }));
  return { ...both, ...own };
}
