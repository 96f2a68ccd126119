/** The steps of roles, as a server's component makes them, for tests that call the provider's methods. */
import * as pulumi from "@pulumi/pulumi";
import { Roles } from "../../components/roles/compose";
import type { Contribution } from "../../components/roles/contribution";
import { ALIASES } from "../../provider/postfix/paths";
import { type Extra, type Release, startHost, type TestHost } from "../../testing";
import { connectionTo, ENTRIES, packageOf, PARAMETERS } from "../preview/server";
import { create, inputsOf, type Made } from "./provider";

/** One resource of a server with roles. */
export interface RoleStep {
  readonly kind: string;
  readonly name: string;
  readonly args: Record<string, unknown>;
  /** How somebody breaks what is managed. */
  readonly drift: string;
}

/** A value with all its outputs known, as the engine passes it to the provider. */
function known(value: unknown): Promise<Record<string, unknown>> {
  return new Promise((resolve) =>
    pulumi.output(value as string).apply((all) => {
      resolve(all as unknown as Record<string, unknown>);
    }),
  );
}

/** The paths of the secrets of a table: its type or its name says that it holds some. */
function secretsOf({ entries, text }: Record<string, unknown>, path: string): string[] {
  if (!/passwd|mysql/.test(path)) return [];
  return text === undefined
    ? Object.keys(entries as object).map((key) => `entries[${JSON.stringify(key)}]`)
    : ["text"];
}

/** The steps of these roles in the order of a server, from the first of them to main.cf. */
export async function roleSteps(
  contributions: readonly Contribution[],
  more: Readonly<Record<string, string>> = {},
): Promise<readonly RoleStep[]> {
  const roles = new Roles("PostfixServer mx", contributions);
  const steps: RoleStep[] = [];
  for (const [name, table] of Object.entries(roles.tables({}))) {
    const args = await known(table);
    const path = args["path"] as string;
    const secretPaths = secretsOf(args, path);
    const permissions = { mode: "0640", owner: "root", group: "_postfix" };
    steps.push({
      kind: "LookupTable",
      name,
      args: { ...args, ...(secretPaths.length > 0 ? { secretPaths, permissions } : {}) },
      // An entry that is added here would be put back by destroy: an exact table does so.
      drift: `sed -i '1s/$/x/' ${path}`,
    });
  }
  const store = roles.one("mailStore");
  if (store !== false) {
    const args = await known(store);
    const path = (args["path"] as string | undefined) ?? "/var/vmail";
    steps.push({ kind: "MailStore", name: "mail-store", args, drift: `chmod 755 ${path}` });
  }
  const certificate = roles.one("certificate");
  if (certificate !== false) {
    const args = await known(certificate);
    steps.push({
      kind: "TlsCertificate",
      name: "certificate",
      args: { ...args, secretPaths: ["privateKey"] },
      drift: `cp /etc/ssl/cert.pem ${args["certificatePath"] as string}`,
    });
  }
  if (roles.hasServices)
    steps.push({
      kind: "MasterCf",
      name: "master-cf",
      args: { services: roles.services({}) },
      drift:
        "sed -i 's/^  -o smtpd_sasl_auth_enable=yes/  -o smtpd_sasl_auth_enable=no/' /etc/postfix/master.cf",
    });
  const parameters = await known(roles.parameters({}, () => undefined));
  const [first] = Object.keys(parameters);
  steps.push({
    kind: "MainCf",
    name: "main-cf",
    args: {
      parameters: {
        ...PARAMETERS,
        alias_maps: `hash:${ALIASES}`,
        alias_database: `hash:${ALIASES}`,
        ...parameters,
        ...more,
      },
    },
    drift: `sed -i '/^${first ?? "myhostname"} /d' /etc/postfix/main.cf`,
  });
  return steps;
}

/** A host with what roles stand on, but for main.cf: the package, with these flavors, and a Postfix that serves. */
export async function serverFor(
  release: Release,
  flavors: readonly string[] = [],
  extras: readonly Extra[] = [],
): Promise<{ readonly host: TestHost; readonly service: Made }> {
  const host = await startHost({ release, extras });
  const make = (kind: string, args: Record<string, unknown>): Promise<Made> =>
    create(kind, inputsOf(kind, args, connectionTo(host)));
  await make("PostfixPackage", { ...packageOf(release), flavors });
  await make("Aliases", { entries: ENTRIES });
  for (const kind of ["ChrootResolv", "MailerConf", "BaseMailer", "RcConfLocal"])
    await make(kind, {});
  return { host, service: await make("PostfixService", {}) };
}
