/** Where the running Postfix greets, by what its files say: pure, so that every odd configuration can be tried. */
import type { FactAnswers } from "../host/host";
import { Look } from "../host/look";
import { servicesOf } from "./services";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The first line that is said at an address, or why there is none. */
export function banner({ host, port }: Address, timeoutMs: number): Look<FactAnswers["banner"]> {
  return Look.at({ fact: "banner", host, port, timeoutMs });
}

/** What decides it. */
interface ListenSettings {
  /** As `postconf` prints them: `$name` stands as it does in main.cf. */
  readonly inetInterfaces: string;
  readonly inetProtocols: string;
  readonly masterCf: string;
}

/** The parameters to ask postconf(1) for. */
export const LISTEN_PARAMETERS = ["inet_interfaces", "inet_protocols"] as const;

const PORTS: Readonly<Record<string, number>> = { smtp: 25, submission: 587 };

/** Daemons that greet; with TLS from the first byte on they say nothing that could be read here. */
const GREETERS = ["smtpd", "postscreen"];

interface Listener {
  /** Given in master.cf, or left to inet_interfaces. */
  readonly host: string | undefined;
  readonly port: number;
}

/** Services of master.cf that greet at a port of this host, port 25 first. */
function listenersIn(masterCf: string): Listener[] {
  const last = new Map(
    servicesOf(masterCf).services.map((service) => [`${service.name}/${service.type}`, service]),
  );
  return [...last.values()]
    .filter(
      ({ type, command, overrides }) =>
        type === "inet" &&
        GREETERS.includes(command) &&
        !overrides.some(
          ({ name, value }) => name === "smtpd_tls_wrappermode" && /^yes$/i.test(value),
        ),
    )
    .flatMap(({ name }): Listener[] => {
      const [, host, service = ""] = /^(?:(.*):)?([^:]+)$/.exec(name) ?? [];
      const port = /^\d+$/.test(service) ? Number(service) : PORTS[service];
      return port === undefined ? [] : [{ host: host === "" ? undefined : host, port }];
    })
    .sort((left, right) => Number(right.port === 25) - Number(left.port === 25));
}

/** An address that can be connected to without a resolver; master(8) takes IPv6 addresses in brackets and without. */
function literal(word: string, families: readonly ("4" | "6")[]): string | undefined {
  const bare = word.replace(/^\[(.*)\]$/, "$1");
  if (/^\d+(\.\d+){3}$/.test(bare)) {
    if (!families.includes("4")) return undefined;
    return bare === "0.0.0.0" ? "127.0.0.1" : bare;
  }
  if (!bare.includes(":") || !families.includes("6")) return undefined;
  return bare === "::" ? "::1" : bare;
}

/** Loopback where it is listened at, for nobody stands between; else the first address that is named. */
function hostIn(words: readonly string[], families: readonly ("4" | "6")[]): string | undefined {
  const loopback = families.includes("4") ? "127.0.0.1" : "::1";
  if (words.some((word) => /^(all|loopback-only|localhost)$/i.test(word))) return loopback;
  const named = words.flatMap((word) => literal(word, families) ?? []);
  return named.find((one) => one === "::1" || one.startsWith("127.")) ?? named[0];
}

/**
 * Where to look for the greeting; `undefined` where nothing greets, or only at names, which may be anywhere: then the
 * master's lock and its line in the log are all the proof there is.
 */
export function greetingAt(settings: ListenSettings): Address | undefined {
  const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");
  const protocols = words(settings.inetProtocols);
  const has = (name: string): boolean => protocols.includes("all") || protocols.includes(name);
  const families = [
    ...(has("ipv4") ? (["4"] as const) : []),
    ...(has("ipv6") ? (["6"] as const) : []),
  ];
  for (const { host, port } of listenersIn(settings.masterCf)) {
    const found = hostIn(host === undefined ? words(settings.inetInterfaces) : [host], families);
    if (found !== undefined) return { host: found, port };
  }
  return undefined;
}

/** Is it the first line of a server that takes mail? postscreen(8) begins with a line that goes on: `220-`. */
export function isGreeting(line: string): boolean {
  return /^220[ -]/.test(line);
}
