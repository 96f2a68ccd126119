/**
 * The roles of one server put together: where two of them, or a role and the program, speak of one parameter, table or
 * service, it is decided here what becomes of it, and nowhere else.
 */
import * as pulumi from "@pulumi/pulumi";
import type { LookupTableArgs } from "../lookupTable";
import type { MainCfParameters } from "../mainCf";
import {
  type ComposedList,
  type Contribution,
  joined,
  GUARDS,
  LOOPBACK,
  type RoleName,
  ROLES,
  type RoleService,
} from "./contribution";

/** How a parameter is made that several roles contribute to, in the order of the roles (`ROLES`). */
interface Composition {
  /** What stands first, whatever the roles contribute. */
  readonly first: readonly string[];
  /**
   * What becomes of the program's own value. "first": it stands before the parts of the roles, because Postfix takes what it
   * finds first. "refused": it could make a promise of a role void, and the roles have arguments for it.
   */
  readonly own: "first" | "refused";
  /** The arguments by which the program adds to it, if there are some. */
  readonly say?: string;
}

/** In smtpd_recipient_restrictions, nothing may permit a stranger before reject_unauth_destination does its work. */
const LISTS: Readonly<Record<ComposedList, Composition>> = {
  mynetworks: { first: LOOPBACK, own: "refused", say: "relay.networks" },
  // The list that every version has: smtpd_relay_restrictions came with Postfix 2.10, and stands beside it since.
  smtpd_recipient_restrictions: {
    first: GUARDS,
    own: "refused",
    say: "relay.restrictions or virtualAccounts.restrictions",
  },
  smtpd_sender_login_maps: { first: [], own: "refused", say: "submission.senders" },
  transport_maps: { first: [], own: "first" },
  virtual_alias_maps: { first: [], own: "first" },
};

type Parameters = Readonly<Record<string, pulumi.Input<unknown>>>;

/** What all roles of a server need of the steps. */
export class Roles {
  private readonly all: readonly Contribution[];

  /** @param server for errors: "PostfixServer mx" */
  constructor(
    private readonly server: string,
    contributions: readonly Contribution[],
  ) {
    this.all = [...contributions].sort(
      (left, right) => ROLES.indexOf(left.role) - ROLES.indexOf(right.role),
    );
  }

  /**
   * The arguments of a step that a role has, or the program; `false` where neither has it.
   *
   * @throws RunError where both have it
   */
  one<Name extends "certificate" | "mailStore">(
    name: Name,
    own: NonNullable<Contribution[Name]> | false = false,
  ): NonNullable<Contribution[Name]> | false {
    const contributor = this.all.find((one) => one[name] !== undefined);
    if (contributor === undefined) return own;
    if (own !== false)
      throw this.conflict(name, [contributor.role], "say it in the arguments of the role");
    return contributor[name] ?? false;
  }

  /** The flavors that the package must have. */
  get flavors() {
    return [...new Set(this.all.flatMap(({ flavors = [] }) => flavors))];
  }

  /**
   * The lookup tables of the roles and of the program.
   *
   * @throws RunError where a table of the program has the name or the path of a role's
   */
  tables(
    own: Readonly<Record<string, LookupTableArgs>>,
  ): Readonly<Record<string, LookupTableArgs>> {
    const theirs = this.all.flatMap(({ role, tables = {} }) =>
      Object.entries(tables).map(([name, table]) => ({ role, name, table })),
    );
    for (const [name, { path }] of Object.entries(own)) {
      const other = theirs.find((one) => one.name === name || one.table.path === path);
      if (other !== undefined)
        throw this.conflict(
          `tables.${name}`,
          [other.role],
          `give the table another ${other.name === name ? "name" : "path"}`,
        );
    }
    return { ...Object.fromEntries(theirs.map(({ name, table }) => [name, table])), ...own };
  }

  /**
   * The parameters of main.cf: those of the roles, and the program's own.
   *
   * @param replaced is told which parameters have the program's value and not that of a role
   * @throws RunError where a parameter of the program is for a role to decide
   */
  parameters(own: Parameters, replaced: (name: string, role: RoleName) => void): MainCfParameters {
    for (const { role, parameters = {} } of this.all)
      for (const name of Object.keys(parameters))
        if (own[name] !== undefined)
          throw this.conflict(
            `mainCf.parameters.${name}`,
            [role],
            "say it in the arguments of the role, or leave it out here",
          );
    const lists = this.lists(own);
    const defaults = this.all.flatMap(({ role, defaults = {} }) =>
      Object.entries(defaults).map(([name, value]) => ({ role, name, value })),
    );
    for (const { role, name, value } of defaults)
      if (own[name] !== undefined && own[name] !== value) replaced(name, role);
    return {
      ...Object.fromEntries(defaults.map(({ name, value }) => [name, value])),
      ...Object.assign({}, ...this.all.map(({ parameters }) => parameters ?? {})),
      ...own,
      ...lists,
    } as MainCfParameters;
  }

  private lists(own: Parameters): Parameters {
    const lists = Object.keys(LISTS) as ComposedList[];
    return Object.fromEntries(
      lists.flatMap((name) => {
        const contributors = this.all.filter(({ lists = {} }) => lists[name] !== undefined);
        if (contributors.length === 0) return [];
        const { first, own: becomes, say } = LISTS[name];
        const roles = contributors.map(({ role }) => role);
        const said = own[name];
        if (said !== undefined && (becomes === "refused" || said === null))
          throw this.conflict(
            `mainCf.parameters.${name}`,
            roles,
            say === undefined ? "it cannot be removed while they are there" : `add to it by ${say}`,
          );
        const parts = contributors.flatMap(({ lists = {} }) => lists[name] ?? []);
        const before = said === undefined ? [] : [said as pulumi.Input<string>];
        return [[name, joined([...before, ...first, ...parts])]];
      }),
    );
  }

  /**
   * The services of master.cf: those of the roles, with what the program says of the same service beside it.
   *
   * @throws RunError where both speak of one part of a service
   */
  services(own: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const services: Record<string, unknown> = { ...own };
    for (const { role, services: theirs = {} } of this.all)
      for (const [name, service] of Object.entries(theirs))
        services[name] = this.together(role, name, service, own[name]);
    return services;
  }

  /** Does any role need services of master.cf? */
  get hasServices(): boolean {
    return this.all.some(({ services = {} }) => Object.keys(services).length > 0);
  }

  /** A service of a role, with the parts that the program says of it. */
  private together(role: RoleName, name: string, service: RoleService, own: unknown): unknown {
    if (own === undefined) return service;
    const place = `masterCf.services["${name}"]`;
    const advice = "leave it out, or leave the role out and say the whole service here";
    if (typeof own !== "object" || own === null || pulumi.Output.isInstance(own))
      throw this.conflict(place, [role], advice);
    const {
      overrides = {},
      command,
      ...columns
    } = own as {
      readonly overrides?: Readonly<Record<string, unknown>>;
      readonly command?: unknown;
    };
    if (command !== undefined && command !== service.command)
      throw this.conflict(`${place}.command`, [role], advice);
    for (const parameter of Object.keys(overrides))
      if (service.overrides[parameter] !== undefined)
        throw this.conflict(`${place}.overrides.${parameter}`, [role], advice);
    return { ...columns, ...service, overrides: { ...service.overrides, ...overrides } };
  }

  /** What the program says and a role decides as well. */
  private conflict(place: string, roles: readonly RoleName[], advice: string): pulumi.RunError {
    return new pulumi.RunError(
      `${this.server}: ${place} is decided by ${roles.join(" and ")}: ${advice}.`,
    );
  }
}
