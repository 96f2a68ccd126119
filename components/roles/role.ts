/** The base of a role as a component of its own, outside of a server. */
import * as pulumi from "@pulumi/pulumi";
import { type AnyArguments } from "../../provider/arguments/schema";
import { LookupTable } from "../lookupTable";
import { MailStore } from "../mailStore";
import { MainCf } from "../mainCf";
import { MasterCf } from "../masterCf";
import { ServerSteps } from "../serverSteps";
import type { OnHost, Step } from "../step";
import { TlsCertificate } from "../tlsCertificate";
import { Roles } from "./compose";
import type { Contribution } from "./contribution";
import { refuseWrongRole } from "./roleArguments";

/** What a program gives to make a role: its name, its arguments and the host, and Pulumi's options. */
export type GivenRole<Args> = [
  name: string,
  args: Args & OnHost,
  opts?: pulumi.ComponentResourceOptions,
];

/**
 * A role of a mail server on a host where Postfix is there already: its lookup tables, services of master.cf and parameters
 * of main.cf. Postfix is told of them by a PostfixService that takes {@link revisions} as triggers.
 *
 * Two roles on one host that need the same parameter belong into one PostfixServer, which puts them together; as components
 * of their own, the second is refused, with the name of the first.
 */
export abstract class Role extends pulumi.ComponentResource {
  /** The lookup tables, by their names in the role. */
  readonly tables: Readonly<Record<string, LookupTable>>;
  /** The folder of mailboxes; `undefined` where the role needs none. */
  readonly mailStore: MailStore | undefined;
  /** The certificate; `undefined` where the role needs none. */
  readonly certificate: TlsCertificate | undefined;
  /** The services of master.cf; `undefined` where the role needs none. */
  readonly masterCf: MasterCf | undefined;
  /** The parameters of main.cf. */
  readonly mainCf: MainCf;
  /** The revisions of all steps of the role: triggers for a PostfixService. */
  readonly revisions: pulumi.Output<number>[];

  protected constructor(
    kind: string,
    schema: AnyArguments,
    contribution: (args: never) => Contribution,
    ...[name, args, opts]: GivenRole<object>
  ) {
    const { connection, ...own } = args;
    refuseWrongRole(kind, name, schema, own);
    super(`openbsd-postfix:index:${kind}`, name, {}, opts);
    const roles = new Roles(`${kind} ${name}`, [contribution(own as never)]);
    const steps = new ServerSteps(this, name, connection, opts);
    this.tables = steps.addTables(LookupTable, roles.tables({}));
    this.mailStore = steps.add("mailStore", MailStore, roles.one("mailStore"));
    this.certificate = steps.add("certificate", TlsCertificate, roles.one("certificate"));
    this.masterCf = steps.add(
      "masterCf",
      MasterCf,
      roles.hasServices ? { services: roles.services({}) as never } : false,
    );
    const mainCf = { parameters: roles.parameters({}, () => undefined) };
    this.mainCf = steps.add("mainCf", MainCf, mainCf) as MainCf;
    const all: readonly Step[] = steps.of([
      "tables",
      "mailStore",
      "certificate",
      "masterCf",
      "mainCf",
    ]);
    this.revisions = all.map(({ revision }) => revision);
    this.registerOutputs({ revisions: this.revisions });
  }
}
