/** What may be said on the command line. */
import { parseArgs } from "node:util";
import type { Address } from "./host/ssh";

export const usage = `usage: npm run test:acceptance -- [root@]HOST [OPTION ...]

Tries this package on the OpenBSD host at HOST, by ssh(1) and the Pulumi CLI alone. The host is changed and put back.

  --port N               the port of sshd(8)
  --identity FILE        the private key; otherwise as for any other use of ssh(1)
  --known-hosts FILE     the file with the host's key, in the place of ~/.ssh/known_hosts
  --legacy-algorithms    speak SHA-1, without which nothing reaches OpenBSD 4.7 to 4.9
  --package-path URL     where packages are; a release before 6.1 has no default
  --package-version V    Postfix's version; by default the newest of the release
  --reboot               the host may be rebooted, to see that Postfix comes back
  --short                the life cycle alone: preview, up, up again, drift, destroy
  --part NAME            only this part: life, undo, cut or mail; may be given several times
  --with-postfix         go on although there is a Postfix on the host; what needs a bare one is left out
  --yes                  do not ask
  --release-check        only ask the host whether the suite fits it; nothing is changed
  --report FILE          write the report as text, too
  --json FILE            write the report as JSON, too
`;

/** What is asked of a run. */
export interface Options {
  readonly address: Address;
  readonly packagePath?: string;
  readonly packageVersion?: string;
  readonly reboot: boolean;
  readonly short: boolean;
  /** The names of the only parts; all where there is none. */
  readonly parts: readonly string[];
  readonly withPostfix: boolean;
  readonly yes: boolean;
  readonly releaseCheck: boolean;
  readonly reportFile?: string;
  readonly jsonFile?: string;
}

/** The names of the parts, in their order. */
const PARTS: readonly string[] = ["life", "undo", "cut", "mail"];

/** The command was called in a wrong way. */
export class UsageError extends Error {}

const known = {
  port: { type: "string" },
  identity: { type: "string" },
  "known-hosts": { type: "string" },
  "legacy-algorithms": { type: "boolean" },
  "package-path": { type: "string" },
  "package-version": { type: "string" },
  reboot: { type: "boolean" },
  short: { type: "boolean" },
  part: { type: "string", multiple: true },
  "with-postfix": { type: "boolean" },
  yes: { type: "boolean" },
  "release-check": { type: "boolean" },
  report: { type: "string" },
  json: { type: "string" },
} as const;

/** Reads the command line. Throws a {@link UsageError} that says what is wrong with it. */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parsed(argv);
  const [where, ...others] = positionals;
  if (where === undefined) throw new UsageError("Say which host: root@HOST.");
  if (others.length > 0)
    throw new UsageError(`One host at a time: ${others.join(" ")} is one too many.`);
  const { user = "root", host } = /^(?:(?<user>[^@]*)@)?(?<host>.+)$/.exec(where)?.groups ?? {};
  if (user !== "root")
    throw new UsageError(`The suite adds users and reboots: log in as root, and not as ${user}.`);
  if (host === undefined || /^-|[\s,/]/.test(host)) throw new UsageError(`${where} names no host.`);
  return {
    address: {
      user,
      host,
      ...given("port", portOf(values.port)),
      ...given("identity", values.identity),
      ...given("knownHosts", values["known-hosts"]),
      legacy: values["legacy-algorithms"] ?? false,
    },
    ...given("packagePath", values["package-path"]),
    ...given("packageVersion", values["package-version"]),
    reboot: values.reboot ?? false,
    short: values.short ?? false,
    parts: partsOf(values.part ?? []),
    withPostfix: values["with-postfix"] ?? false,
    yes: values.yes ?? false,
    releaseCheck: values["release-check"] ?? false,
    ...given("reportFile", values.report),
    ...given("jsonFile", values.json),
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: known, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`--port ${text}: a port is a number from 1 to 65535.`);
}

function partsOf(names: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !PARTS.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`--part ${unknown}: the parts are ${PARTS.join(", ")}.`);
}

/** A property that is there only when its value is. */
function given<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, V>);
}
