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
import { type OnHost, passedOn, type Step } from "./step";

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

/** Fields of one step each. */
type StepField = Exclude<keyof PostfixServerArgs, "connection" | "tables">;

/** What can be said for each step: what is meant where an option names the step as a whole. */
const ARGUMENTS: {
  readonly [F in StepField]: Readonly<
    Record<keyof Exclude<PostfixServerArgs[F], false | undefined>, true>
  >;
} & { readonly tables: Readonly<Record<keyof LookupTableArgs, true>> } = {
  package: {
    version: true,
    flavors: true,
    branch: true,
    source: true,
    packagePath: true,
    lockTimeout: true,
    discardQueue: true,
  },
  docs: { path: true, triggers: true },
  mainCf: { parameters: true, mode: true, userDefined: true, accept: true },
  masterCf: { services: true, accept: true },
  tables: { path: true, type: true, entries: true, mode: true, text: true, permissions: true },
  aliases: { entries: true, mode: true, file: true },
  chrootResolv: { files: true },
  baseMailer: {},
  mailerConf: {},
  rcConfLocal: { boot: true, logSocket: true, variables: true, flags: true, packageScripts: true },
  service: { triggers: true },
  rootCrontab: { commentOut: true },
  mailCheck: {
    recipient: true,
    sender: true,
    host: true,
    port: true,
    timeoutSeconds: true,
    keep: true,
    outside: true,
    triggers: true,
  },
};

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
    super("openbsd-postfix:index:PostfixServer", name, {}, opts);
    const { connection } = args;
    const options = (
      field: StepField | readonly ["tables", string],
      ...after: readonly (Step | undefined)[]
    ): pulumi.ComponentResourceOptions => ({
      ...passedOn(
        opts,
        typeof field === "string"
          ? { field: [field], own: Object.keys(ARGUMENTS[field]) }
          : { field, own: Object.keys(ARGUMENTS.tables) },
      ),
      parent: this,
      dependsOn: after.filter((step) => step !== undefined),
    });

    this.package =
      args.package === false
        ? undefined
        : new PostfixPackage(
            `${name}-package`,
            { ...args.package, connection },
            options("package"),
          );
    this.docs =
      args.docs === undefined || args.docs === false
        ? undefined
        : new PostfixDocs(
            `${name}-docs`,
            {
              ...args.docs,
              // Another version of the package has another manual.
              ...(this.package === undefined && args.docs.triggers === undefined
                ? {}
                : { triggers: withRevisions([this.package], args.docs.triggers) }),
              connection,
            },
            options("docs", this.package),
          );

    // Nothing that runs has changed until the switch: files first, and what reads them after them.
    this.tables = Object.fromEntries(
      Object.entries(args.tables ?? {}).map(([table, own]) => [
        table,
        new LookupTable(
          `${name}-table-${table}`,
          { ...own, connection },
          options(["tables", table], this.package),
        ),
      ]),
    );
    const tables = Object.values(this.tables);
    this.aliases =
      args.aliases === false
        ? undefined
        : new Aliases(
            `${name}-aliases`,
            { entries: {}, ...args.aliases, connection },
            options("aliases", this.package),
          );
    // Its overrides may name tables.
    this.masterCf =
      args.masterCf === undefined || args.masterCf === false
        ? undefined
        : new MasterCf(
            `${name}-master-cf`,
            { ...args.masterCf, connection },
            options("masterCf", this.package, ...tables, this.aliases),
          );
    this.mainCf =
      args.mainCf === false
        ? undefined
        : new MainCf(
            `${name}-main-cf`,
            { ...args.mainCf, parameters: parametersOf(args), connection },
            options("mainCf", this.package, this.masterCf, ...tables, this.aliases),
          );
    this.chrootResolv =
      args.chrootResolv === false
        ? undefined
        : new ChrootResolv(
            `${name}-chroot-resolv`,
            { ...args.chrootResolv, connection },
            options("chrootResolv", this.package),
          );

    // The switch: as short as it can be.
    const files = [
      this.package,
      this.masterCf,
      ...tables,
      this.aliases,
      this.mainCf,
      this.chrootResolv,
    ];
    this.baseMailer =
      args.baseMailer === false
        ? undefined
        : new BaseMailer(
            `${name}-base-mailer`,
            { ...args.baseMailer, connection },
            options("baseMailer", ...files),
          );
    this.mailerConf =
      args.mailerConf === false
        ? undefined
        : new MailerConf(
            `${name}-mailer-conf`,
            { ...args.mailerConf, connection },
            options("mailerConf", ...files, this.baseMailer),
          );
    this.rcConfLocal =
      args.rcConfLocal === false
        ? undefined
        : new RcConfLocal(
            `${name}-rc-conf-local`,
            { ...args.rcConfLocal, connection },
            options("rcConfLocal", ...files, this.baseMailer, this.mailerConf),
          );
    this.service =
      args.service === false
        ? undefined
        : new PostfixService(
            `${name}-service`,
            {
              ...args.service,
              // A syslogd that is started anew leaves Postfix's chrooted processes with a socket that nobody reads.
              triggers: withRevisions([...files, this.rcConfLocal], args.service?.triggers),
              connection,
            },
            options("service", ...files, this.baseMailer, this.mailerConf, this.rcConfLocal),
          );

    const server = [...files, this.baseMailer, this.mailerConf, this.rcConfLocal, this.service];
    this.rootCrontab =
      args.rootCrontab === false
        ? undefined
        : new RootCrontab(
            `${name}-root-crontab`,
            { ...args.rootCrontab, connection },
            options("rootCrontab", ...server),
          );
    this.mailCheck =
      args.mailCheck === undefined || args.mailCheck === false
        ? undefined
        : new MailCheck(
            `${name}-mail-check`,
            {
              ...args.mailCheck,
              triggers: withRevisions([...server, this.rootCrontab], args.mailCheck.triggers),
              connection,
            },
            options("mailCheck", ...server, this.rootCrontab),
          );
    this.banner = this.service?.banner;
    this.version = this.service?.version;
    this.packageName = this.package?.packageName;
    this.hostname = this.mainCf?.effective.apply(
      (effective: Readonly<Record<string, string>> | undefined) => effective?.["myhostname"],
    );
    this.queueId = this.mailCheck?.queueId;
    this.release = [...server, this.rootCrontab].find((step) => step !== undefined)?.release;
    this.registerOutputs({
      banner: this.banner,
      version: this.version,
      release: this.release,
      packageName: this.packageName,
      hostname: this.hostname,
      queueId: this.queueId,
    });
  }
}

/** The revisions of the steps that there are, and what the user has a step done again for besides. */
function withRevisions(
  steps: readonly (Step | undefined)[],
  own: pulumi.Input<pulumi.Input<unknown>[]> | undefined,
): pulumi.Input<pulumi.Input<unknown>[]> {
  const revisions = steps.filter((step) => step !== undefined).map((step) => step.revision);
  if (own === undefined) return revisions;
  // Item by item where the program gives items: one that is not known yet must not hide the others.
  if (Array.isArray(own)) return [...revisions, ...own];
  return pulumi.all([pulumi.all(revisions), own]).apply(([ours, theirs]) => [...ours, ...theirs]);
}

/** The user's parameters, and the two that make Postfix read the alias file that the aliases step manages. */
function parametersOf(args: PostfixServerArgs): MainCfArgs["parameters"] {
  const own = (args.mainCf === false ? undefined : args.mainCf?.parameters) ?? {};
  if (args.aliases === false) return own;
  const file = args.aliases?.file ?? "/etc/postfix/aliases";
  const table = pulumi.interpolate`hash:${file}`;
  const both = { alias_maps: table, alias_database: table };
  // Name by name where the program gives names: one secret among them must not hide the others.
  if (pulumi.Output.isInstance(own) || own instanceof Promise)
    return pulumi.output(own).apply((parameters) => ({ ...both, ...parameters }));
  return { ...both, ...own };
}
