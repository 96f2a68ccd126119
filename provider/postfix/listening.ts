/** The address at which the running Postfix greets clients, by its configuration. */
import type { FactAnswers } from "../host/host";
import { Look } from "../host/look";
import { serviceKey, servicesOf } from "./masterServices";
import { words } from "./values";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The first line that a server sends at an address, or the reason why none came. */
export function banner({ host, port }: Address, timeoutMs: number): Look<FactAnswers["banner"]> {
  return Look.at({ fact: "banner", host, port, timeoutMs });
}

/** The configuration that decides where Postfix greets. */
interface ListenSettings {
  /** As `postconf` prints it: a `$name` in it is not expanded. */
  readonly inetInterfaces: string;
  readonly inetProtocols: string;
  readonly masterCf: string;
}

/** The parameters of {@link ListenSettings}, to ask postconf(1) for. */
export const LISTEN_PARAMETERS = ["inet_interfaces", "inet_protocols"] as const;

const PORTS: Readonly<Record<string, number>> = { smtp: 25, submission: 587 };

/** Daemons that greet. With TLS from the first byte (smtpd_tls_wrappermode) their greeting cannot be read here. */
export const GREETERS: readonly string[] = ["smtpd", "postscreen"];

interface Listener {
  /** The address in master.cf; `undefined` if inet_interfaces decides. */
  readonly host: string | undefined;
  readonly port: number;
}

/** The services of master.cf that greet, port 25 first. */
function listenersIn(masterCf: string): Listener[] {
  // Of two lines for one service, master(8) uses the last.
  const inForce = new Map(
    servicesOf(masterCf).services.map((service) => [serviceKey(service), service]),
  );
  return [...inForce.values()]
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

/** An address to connect to; `undefined` for a name, and for an address of another family. Brackets are optional. */
function literal(word: string, families: readonly ("4" | "6")[]): string | undefined {
  const bare = word.replace(/^\[(.*)\]$/, "$1");
  if (/^\d+(\.\d+){3}$/.test(bare)) {
    if (!families.includes("4")) return undefined;
    return bare === "0.0.0.0" ? "127.0.0.1" : bare;
  }
  if (!bare.includes(":") || !families.includes("6")) return undefined;
  return bare === "::" ? "::1" : bare;
}

/** Loopback if Postfix listens there, because no firewall is in the way; else the first address of the list. */
function hostIn(
  interfaces: readonly string[],
  families: readonly ("4" | "6")[],
): string | undefined {
  const loopback = families.includes("4") ? "127.0.0.1" : "::1";
  if (interfaces.some((word) => /^(all|loopback-only|localhost)$/i.test(word))) return loopback;
  const addresses = interfaces.flatMap((word) => literal(word, families) ?? []);
  return addresses.find((one) => one === "::1" || one.startsWith("127.")) ?? addresses[0];
}

/**
 * The address at which to expect the greeting; `undefined` if no service greets, or only at names, which may resolve to any
 * address.
 */
export function greetingAt(settings: ListenSettings): Address | undefined {
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

/** Is this the first line of a server that takes mail? postscreen(8) sends the first part of a longer greeting: `220-`. */
export function isGreeting(line: string): boolean {
  return /^220[ -]/.test(line);
}
