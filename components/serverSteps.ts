/** Creating the steps of a server: their order, their dependencies, and the options that a step gets. */
import * as pulumi from "@pulumi/pulumi";
import { aliasesArguments } from "../provider/arguments/aliases";
import { baseMailerArguments } from "../provider/arguments/baseMailer";
import { chrootResolvArguments } from "../provider/arguments/chrootResolv";
import { lookupTableArguments } from "../provider/arguments/lookupTable";
import { mailCheckArguments } from "../provider/arguments/mailCheck";
import { mailerConfArguments } from "../provider/arguments/mailerConf";
import { mailStoreArguments } from "../provider/arguments/mailStore";
import { mainCfArguments } from "../provider/arguments/mainCf";
import { masterCfArguments } from "../provider/arguments/masterCf";
import { postfixDocsArguments } from "../provider/arguments/postfixDocs";
import { postfixPackageArguments } from "../provider/arguments/postfixPackage";
import { postfixServiceArguments } from "../provider/arguments/postfixService";
import { rcConfLocalArguments } from "../provider/arguments/rcConfLocal";
import { rootCrontabArguments } from "../provider/arguments/rootCrontab";
import { tlsCertificateArguments } from "../provider/arguments/tlsCertificate";
import { type AnyArguments, argumentNames } from "../provider/arguments/schema";
import { type ConnectionArgs, type OnHost, passedOn, type Step } from "./step";

/** The steps of a server by the names of its arguments: one step each, but for `tables`, which are several. */
export type Field =
  | "package"
  | "docs"
  | "mailStore"
  | "certificate"
  | "masterCf"
  | "tables"
  | "aliases"
  | "mainCf"
  | "chrootResolv"
  | "mailerConf"
  | "baseMailer"
  | "rcConfLocal"
  | "service"
  | "rootCrontab"
  | "mailCheck";

/** The steps of the files that Postfix reads. */
export const FILES = [
  "package",
  "mailStore",
  "certificate",
  "masterCf",
  "tables",
  "aliases",
  "mainCf",
  "chrootResolv",
] as const satisfies readonly Field[];

/** The steps without which a server does not serve. */
export const SERVER = [
  ...FILES,
  "baseMailer",
  "mailerConf",
  "rcConfLocal",
  "service",
] as const satisfies readonly Field[];

/** The schema of each step's arguments, and the steps that it comes after. */
const STEPS: Readonly<
  Record<Field, { readonly schema: AnyArguments; readonly after: readonly Field[] }>
> = {
  package: { schema: postfixPackageArguments, after: [] },
  docs: { schema: postfixDocsArguments, after: ["package"] },
  tables: { schema: lookupTableArguments, after: ["package"] },
  mailStore: { schema: mailStoreArguments, after: ["package"] },
  certificate: { schema: tlsCertificateArguments, after: ["package"] },
  aliases: { schema: aliasesArguments, after: ["package"] },
  // Its overrides may name tables.
  masterCf: {
    schema: masterCfArguments,
    after: ["package", "tables", "mailStore", "certificate", "aliases"],
  },
  mainCf: {
    schema: mainCfArguments,
    after: ["package", "masterCf", "tables", "mailStore", "certificate", "aliases"],
  },
  chrootResolv: { schema: chrootResolvArguments, after: ["package"] },
  // Local mail goes to Postfix's queue from here on, and waits there: what the base mailer still has, it can deliver, and
  // nothing comes after it.
  mailerConf: { schema: mailerConfArguments, after: FILES },
  baseMailer: { schema: baseMailerArguments, after: [...FILES, "mailerConf"] },
  rcConfLocal: { schema: rcConfLocalArguments, after: [...FILES, "baseMailer", "mailerConf"] },
  service: {
    schema: postfixServiceArguments,
    after: [...FILES, "baseMailer", "mailerConf", "rcConfLocal"],
  },
  rootCrontab: { schema: rootCrontabArguments, after: SERVER },
  mailCheck: { schema: mailCheckArguments, after: [...SERVER, "rootCrontab"] },
};

type StepClass<A, S> = new (
  name: string,
  args: A & OnHost,
  opts?: pulumi.ComponentResourceOptions,
) => S;

type Triggers = pulumi.Input<pulumi.Input<unknown>[]>;

/** Creates the steps of a server one by one. */
export class ServerSteps {
  private readonly made = new Map<Field, readonly Step[]>();

  constructor(
    private readonly parent: pulumi.Resource,
    private readonly name: string,
    private readonly connection: pulumi.Input<ConnectionArgs>,
    private readonly opts: pulumi.ComponentResourceOptions | undefined,
  ) {}

  /** Creates the step of an argument, unless it is left out. */
  add<A extends object, S extends Step>(
    field: Field,
    step: StepClass<A, S>,
    args: A | false,
  ): S | undefined {
    if (args === false) return undefined;
    const suffix = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const made = new step(
      `${this.name}-${suffix}`,
      this.onHost(args),
      this.options(field, [field]),
    );
    this.made.set(field, [made]);
    return made;
  }

  /** Creates the lookup tables. */
  addTables<A extends object, S extends Step>(
    step: StepClass<A, S>,
    tables: Readonly<Record<string, A>>,
  ): Readonly<Record<string, S>> {
    const made = Object.entries(tables).map(([table, args]) => {
      const options = this.options("tables", ["tables", table]);
      return [table, new step(`${this.name}-table-${table}`, this.onHost(args), options)] as const;
    });
    this.made.set(
      "tables",
      made.map(([, table]) => table),
    );
    return Object.fromEntries(made);
  }

  /** The steps of these arguments, without those that are left out. */
  of(fields: readonly Field[]): readonly Step[] {
    return fields.flatMap((field) => this.made.get(field) ?? []);
  }

  /** The triggers of a step: the revisions of the steps of these arguments, and the triggers that the user gives. */
  revisions(fields: readonly Field[], given: Triggers | undefined): Triggers {
    const revisions = this.of(fields).map((step) => step.revision);
    if (given === undefined) return revisions;
    // A list is taken item by item, so that an item that is not known yet does not hide the others.
    if (Array.isArray(given)) return [...revisions, ...given];
    return pulumi.all([pulumi.all(revisions), given]).apply(([known, more]) => [...known, ...more]);
  }

  private onHost<A extends object>(args: A): A & OnHost {
    return { ...args, connection: this.connection };
  }

  /**
   * Those of the steps that no other of them comes after. The engine follows dependencies from step to step, and a state has
   * all that are said, each by its URN, at each step.
   */
  private last(after: readonly Field[]): readonly Field[] {
    const made = after.filter((field) => this.of([field]).length > 0);
    return made.filter((field) => !made.some((other) => STEPS[other].after.includes(field)));
  }

  private options(field: Field, place: readonly string[]): pulumi.ComponentResourceOptions {
    const { schema, after } = STEPS[field];
    return {
      ...passedOn(this.opts, { field: place, own: argumentNames(schema) }),
      parent: this.parent,
      dependsOn: [...this.of(this.last(after))],
    };
  }
}

/** The arguments of a step, completed; `false` where it is left out. */
export function given<A, B>(args: A | false, complete: (args: A) => B): B | false {
  return args === false ? false : complete(args);
}
