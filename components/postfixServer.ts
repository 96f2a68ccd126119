import * as pulumi from "@pulumi/pulumi";
import { ALIASES } from "../provider/postfix/paths";
import { Aliases, type AliasesArgs } from "./aliases";
import { BaseMailer } from "./baseMailer";
import { ChrootResolv } from "./chrootResolv";
import { LookupTable } from "./lookupTable";
import { MailCheck } from "./mailCheck";
import { MailerConf } from "./mailerConf";
import { MailStore } from "./mailStore";
import { MainCf, type MainCfArgs, type MainCfParameters } from "./mainCf";
import { MasterCf, type MasterCfArgs } from "./masterCf";
import { PostfixDocs, type PostfixDocsArgs } from "./postfixDocs";
import { PostfixPackage } from "./postfixPackage";
import { PostfixService } from "./postfixService";
import { RcConfLocal } from "./rcConfLocal";
import { RootCrontab } from "./rootCrontab";
import { TlsCertificate } from "./tlsCertificate";
import { PostfixServerArgs, refuseUnknown } from "./serverArguments";
import { rolesOf } from "./roles";
import type { Roles } from "./roles/compose";
import { FILES, given, SERVER, ServerSteps } from "./serverSteps";

/**
 * A Postfix server as the guide sets it up. The order of the steps keeps the time in which the host has no mailer as short
 * as possible, on destroy as well.
 *
 * @owns What its steps own.
 * @destroy Undoes its steps in reverse order.
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
  /** The package. Like all other steps, it is `undefined` where it is left out. */
  readonly package: PostfixPackage | undefined;
  /** The HTML manual in a web root. */
  readonly docs: PostfixDocs | undefined;
  /** The services of master.cf. */
  readonly masterCf: MasterCf | undefined;
  /** The lookup tables, by their names in the arguments. */
  readonly tables: Readonly<Record<string, LookupTable>>;
  /** The folder of virtual mailboxes. */
  readonly mailStore: MailStore | undefined;
  /** The certificate and its key. */
  readonly certificate: TlsCertificate | undefined;
  /** The alias entries and their database. */
  readonly aliases: Aliases | undefined;
  /** The parameters of main.cf, with their values in force. */
  readonly mainCf: MainCf | undefined;
  /** The files in the chroot. */
  readonly chrootResolv: ChrootResolv | undefined;
  /** The base system's mailer, stopped. */
  readonly baseMailer: BaseMailer | undefined;
  /** /etc/mailer.conf. */
  readonly mailerConf: MailerConf | undefined;
  /** /etc/rc.conf.local. */
  readonly rcConfLocal: RcConfLocal | undefined;
  /** The running Postfix. A resource that needs a serving mail server depends on this step. */
  readonly service: PostfixService | undefined;
  /** Root's crontab. */
  readonly rootCrontab: RootCrontab | undefined;
  /** The test message. */
  readonly mailCheck: MailCheck | undefined;
  /** Postfix's greeting; `undefined` where the service is left out. */
  readonly banner: pulumi.Output<string> | undefined;
  /** Postfix's version, as in "3.7.11"; `undefined` where the service is left out. */
  readonly version: pulumi.Output<string> | undefined;
  /** The package's full name in the package database; `undefined` where the package is left out. */
  readonly packageName: pulumi.Output<string> | undefined;
  /** The host's name according to Postfix (`myhostname`); `undefined` where main.cf is left out. */
  readonly hostname: pulumi.Output<string | undefined> | undefined;
  /** The queue id of the test message; `undefined` where there is none. */
  readonly queueId: pulumi.Output<string> | undefined;
  /** The host's OpenBSD release, as in "7.8"; `undefined` where every step is left out. */
  readonly release: pulumi.Output<string> | undefined;

  constructor(name: string, args: PostfixServerArgs, opts?: pulumi.ComponentResourceOptions) {
    refuseUnknown(name, args);
    super("openbsd-postfix:index:PostfixServer", name, {}, opts);
    const steps = new ServerSteps(this, name, args.connection, opts);
    const roles = rolesOf(name, args);
    // Until the switch, nothing changes for running programs: files come first, the programs that read them later.
    this.package = steps.add("package", PostfixPackage, packageOf(args, roles));
    this.docs = steps.add("docs", PostfixDocs, docsOf(args, steps));
    this.tables = steps.addTables(LookupTable, roles.tables(args.tables ?? {}));
    this.mailStore = steps.add("mailStore", MailStore, roles.one("mailStore", args.mailStore));
    this.certificate = steps.add(
      "certificate",
      TlsCertificate,
      roles.one("certificate", args.certificate),
    );
    this.aliases = steps.add("aliases", Aliases, aliasesOf(args));
    this.masterCf = steps.add("masterCf", MasterCf, masterCfOf(args, roles));
    this.mainCf = steps.add("mainCf", MainCf, mainCfOf(args, roles, this));
    this.chrootResolv = steps.add("chrootResolv", ChrootResolv, args.chrootResolv ?? {});
    // The switch: as short as it can be.
    this.mailerConf = steps.add("mailerConf", MailerConf, args.mailerConf ?? {});
    this.baseMailer = steps.add("baseMailer", BaseMailer, args.baseMailer ?? {});
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

/** The steps that come before the test message. The first that is not left out also provides the output `release`. */
const ALL = [...SERVER, "rootCrontab"] as const;

/** The package, with the flavors that the roles need, unless the program says which. */
function packageOf({ package: own = {} }: PostfixServerArgs, { flavors }: Roles) {
  return given(own, (args) => (flavors.length === 0 ? args : { flavors: [...flavors], ...args }));
}

function masterCfOf({ masterCf = false }: PostfixServerArgs, roles: Roles): MasterCfArgs | false {
  if (!roles.hasServices) return masterCf;
  const own = masterCf === false ? { services: {} } : masterCf;
  return {
    ...own,
    services: whenKnown(own.services, (services) =>
      roles.services(services),
    ) as MasterCfArgs["services"],
  };
}

/** The manual is compared again when the package changes, because another version has another manual. */
function docsOf({ docs = false }: PostfixServerArgs, steps: ServerSteps): PostfixDocsArgs | false {
  return given(docs, (args) => {
    if (args.triggers === undefined && steps.of(["package"]).length === 0) return args;
    return { ...args, triggers: steps.revisions(["package"], args.triggers) };
  });
}

function aliasesOf({ aliases = {} }: PostfixServerArgs): AliasesArgs | false {
  return given(aliases, (args) => ({ entries: {}, ...args }));
}

/**
 * The service's triggers include rc.conf.local: after a restart of syslogd, Postfix's chrooted processes need a reload,
 * because nobody reads their log socket any more.
 */
function serviceOf({ service = {} }: PostfixServerArgs, steps: ServerSteps) {
  return given(service, (args) => ({
    ...args,
    triggers: steps.revisions([...FILES, "rcConfLocal"], args.triggers),
  }));
}

function mailCheckOf({ mailCheck = false }: PostfixServerArgs, steps: ServerSteps) {
  return given(mailCheck, (args) => ({ ...args, triggers: steps.revisions(ALL, args.triggers) }));
}

function mainCfOf(
  { mainCf = {}, aliases = {} }: PostfixServerArgs,
  roles: Roles,
  server: pulumi.Resource,
): MainCfArgs | false {
  const note = (name: string, role: string): void =>
    void pulumi.log.info(
      `mainCf.parameters.${name} is set to your value, not to the one of ${role}.`,
      server,
    );
  return given(mainCf, (args) => ({
    ...args,
    parameters: whenKnown(args.parameters ?? {}, (own) => ({
      ...aliasTables(aliases),
      ...roles.parameters(own, note),
    })),
  }));
}

/** The two parameters that make Postfix read the alias file that the aliases step manages. */
function aliasTables(aliases: Partial<AliasesArgs> | false): MainCfParameters {
  if (aliases === false) return {};
  const table = pulumi.interpolate`hash:${aliases.file ?? ALIASES}`;
  return { alias_maps: table, alias_database: table };
}

/**
 * Values by name, changed. Where they are an output as a whole they are changed when they are known; else each may be an
 * output itself, so that a secret among them does not hide the others.
 */
function whenKnown<V, R>(
  values: pulumi.Input<Readonly<Record<string, V>>>,
  change: (values: Readonly<Record<string, V>>) => R,
): pulumi.Input<R> {
  if (pulumi.Output.isInstance(values) || values instanceof Promise)
    return pulumi
      .output(values as pulumi.Input<object>)
      .apply<R>((known) => change(known as Readonly<Record<string, V>>));
  return change(values);
}
