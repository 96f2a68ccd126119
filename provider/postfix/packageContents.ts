/**
 * What a package of Postfix contains that is not installed yet: its main.cf and master.cf, and the defaults, daemons and
 * types of tables of its Postfix, as far as the judgement asks for them (docs/openbsd.md 2.3). tests/host/bare.test.ts
 * compares all of it with the packages of the test host.
 */
import { CONFIGURATION, DAEMONS, DATA, DEFAULT_FOLDERS, MAIN_CF, MASTER_CF, QUEUE } from "./paths";
import { isFrom } from "./versionTraits";

/** A package that a plan will install. */
export interface ComingPackage {
  readonly version: string;
  readonly flavors: readonly string[];
}

/** The first version that may have parameters which provider/postfix/knownParameters.ts has not. */
export const NAMES_UNKNOWN_FROM = "3.11";

/** The accounts that the package makes. */
export const MAIL_OWNER = "_postfix";
export const SETGID_GROUP = "_postdrop";

/** The files in /etc/postfix that every version of the package brings, without their databases, which it does not build. */
export const CONFIGURATION_FILES: readonly string[] = [
  ...["access", "aliases", "canonical", "generic", "header_checks", "main.cf", "master.cf"],
  ...["relocated", "transport", "virtual", "bounce.cf.default", "main.cf.default", "postfix-files"],
  ...["LICENSE", "TLS_LICENSE", "makedefs.out"],
].map((name) => `${CONFIGURATION}/${name}`);

/** The parameters that the package's main.cf sets, of those that the judgement asks for. */
export function mainCfOf({ version }: ComingPackage): string {
  const set: Readonly<Record<string, string>> = {
    ...(isFrom(version, "3.0") ? { compatibility_level: compatibilityLevel(version) } : {}),
    queue_directory: QUEUE,
    command_directory: DEFAULT_FOLDERS.get("command_directory") ?? "",
    daemon_directory: DAEMONS,
    data_directory: DATA,
    mail_owner: MAIL_OWNER,
    unknown_local_recipient_reject_code: "550",
    setgid_group: SETGID_GROUP,
    inet_protocols: "all",
  };
  return Object.entries(set)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

/** 2 to Postfix 3.5, the version itself in recent packages. */
function compatibilityLevel(version: string): string {
  return isFrom(version, "3.6") ? (/^\d+\.\d+/.exec(version)?.[0] ?? "3.6") : "2";
}

/** Services of master.cf: their names, the types of their sockets, and their daemons. */
const SERVICES: readonly (readonly [name: string, type: string, daemon: string])[] = [
  ["smtp", "inet", "smtpd"],
  ["pickup", "unix", "pickup"],
  ["cleanup", "unix", "cleanup"],
  ["qmgr", "unix", "qmgr"],
  ["tlsmgr", "unix", "tlsmgr"],
  ["rewrite", "unix", "trivial-rewrite"],
  ["bounce", "unix", "bounce"],
  ["defer", "unix", "bounce"],
  ["trace", "unix", "bounce"],
  ["verify", "unix", "verify"],
  ["flush", "unix", "flush"],
  ["proxymap", "unix", "proxymap"],
  ["proxywrite", "unix", "proxymap"],
  ["smtp", "unix", "smtp"],
  ["relay", "unix", "smtp"],
  ["showq", "unix", "showq"],
  ["error", "unix", "error"],
  ["retry", "unix", "error"],
  ["discard", "unix", "discard"],
  ["local", "unix", "local"],
  ["virtual", "unix", "virtual"],
  ["lmtp", "unix", "lmtp"],
  ["anvil", "unix", "anvil"],
  ["scache", "unix", "scache"],
  ["postlog", "unix-dgram", "postlogd"],
];

/** Services that came later than with 2.5, which no supported release of OpenBSD goes below. */
const SERVICES_SINCE: Readonly<Record<string, string>> = { postlog: "3.4" };

/** Services with a FIFO before 2.10 (RELEASE_NOTES-2.10). */
const WERE_FIFOS = ["pickup", "qmgr"];

/** The services of the package's master.cf. What their other columns hold, the judgement does not ask. */
export function masterCfOf({ version }: ComingPackage): string {
  return SERVICES.filter(([name]) => isFrom(version, SERVICES_SINCE[name] ?? "2.5"))
    .map(([name, type, daemon]) => {
      const isFifo = WERE_FIFOS.includes(name) && !isFrom(version, "2.10");
      return `${name} ${isFifo ? "fifo" : type} ${type === "inet" ? "n" : "-"} - - - - ${daemon}\n`;
    })
    .join("");
}

/** The texts of the configuration that the package brings to a host that has none. */
export function configurationOf(coming: ComingPackage): Readonly<Record<string, string>> {
  return { [MAIN_CF]: mainCfOf(coming), [MASTER_CF]: masterCfOf(coming) };
}

/** The programs in the daemon folder that are no service of the package's master.cf, with the version of their first. */
const OTHER_DAEMONS: Readonly<Record<string, string>> = {
  ...{ master: "2.5", oqmgr: "2.5", pipe: "2.5", qmqpd: "2.5", spawn: "2.5" },
  ...{ dnsblog: "2.8", postscreen: "2.8", tlsproxy: "2.8" },
};

/** The programs in the daemon folder that a service of master.cf may name. */
export function daemonsOf({ version }: ComingPackage): ReadonlySet<string> {
  return new Set([
    ...SERVICES.flatMap(([name, , daemon]) =>
      isFrom(version, SERVICES_SINCE[name] ?? "2.5") ? [daemon] : [],
    ),
    ...Object.entries(OTHER_DAEMONS).flatMap(([name, first]) =>
      isFrom(version, first) ? [name] : [],
    ),
  ]);
}

/** Types of tables that the port builds in, with the version of their first (DATABASE_README). */
const TABLE_TYPES: Readonly<Record<string, string>> = {
  ...{ btree: "2.5", cidr: "2.5", environ: "2.5", hash: "2.5", internal: "2.5", pcre: "2.5" },
  ...{ proxy: "2.5", regexp: "2.5", static: "2.5", tcp: "2.5", unix: "2.5", nis: "2.5" },
  ...{ texthash: "2.8", fail: "2.9", memcache: "2.9", sqlite: "2.8", socketmap: "2.10" },
  ...{ inline: "3.0", pipemap: "3.0", randmap: "3.0", unionmap: "3.0" },
};

/** The types of tables that the flavors add. */
const FLAVOR_TYPES = ["ldap", "mysql", "pgsql"];

export function tableTypesOf({ version, flavors }: ComingPackage): ReadonlySet<string> {
  return new Set([
    ...Object.entries(TABLE_TYPES).flatMap(([type, first]) =>
      isFrom(version, first) ? [type] : [],
    ),
    ...FLAVOR_TYPES.filter((type) => flavors.includes(type)),
  ]);
}

/** The plug-ins for SASL: Dovecot's is always built in, Cyrus' comes with a flavor, and only that has a client. */
export function saslOf({ flavors }: ComingPackage): {
  readonly servers: ReadonlySet<string>;
  readonly clients: ReadonlySet<string>;
} {
  const cyrus = flavors.includes("sasl2") ? ["cyrus"] : [];
  return { servers: new Set(["dovecot", ...cyrus]), clients: new Set(cyrus) };
}

const GUARD = "permit_mynetworks, reject_unauth_destination";
const RELAY_GUARD = "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination";

/** The defaults (postconf(5)) that the rules go by, as `postconf -d` prints them. */
export function defaultsOf({ version }: ComingPackage): ReadonlyMap<string, string> {
  const hasRelayList = isFrom(version, "2.10");
  return new Map(
    Object.entries({
      smtpd_client_restrictions: "",
      smtpd_helo_restrictions: "",
      smtpd_sender_restrictions: "",
      ...(hasRelayList ? { smtpd_relay_restrictions: RELAY_GUARD } : {}),
      smtpd_recipient_restrictions: hasRelayList ? "" : GUARD,
      smtpd_restriction_classes: "",
      inet_interfaces: "all",
      mydestination: "$myhostname, localhost.$mydomain, localhost",
      // From 3.0 on it depends on the compatibility level, which the package's main.cf sets to 2 or more.
      relay_domains: isFrom(version, "3.0") ? "" : "$mydestination",
      virtual_alias_maps: "$virtual_maps",
      virtual_alias_domains: "$virtual_alias_maps",
      virtual_mailbox_maps: "",
      virtual_mailbox_domains: "$virtual_mailbox_maps",
      alias_maps: "hash:/etc/mail/aliases",
      message_size_limit: "10240000",
      mailbox_size_limit: "51200000",
      local_transport: "local:$myhostname",
      virtual_transport: "virtual",
      relay_transport: "relay",
      default_transport: "smtp",
      content_filter: "",
      ...(isFrom(version, "3.4") ? { maillog_file_prefixes: "/var, /dev/stdout" } : {}),
      // A former name that Postfix still reads.
      smtpd_client_event_limit_exceptions:
        "${smtpd_client_connection_limit_exceptions:$mynetworks}",
    }),
  );
}
