/**
 * Finds the credentials for a connection at run time. The state holds them only where the user gave them inline; else
 * it holds the names of configuration values, of files or of a socket. Errors name where was looked, and never a
 * secret.
 */
import { readFileSync } from "node:fs";
import { type ParsedKey, utils } from "ssh2";
import { CONFIGURED, type ConnectionHop } from "../arguments/connection";
import { reasonOf } from "./errors";
import { homePath } from "./homeFolder";
import { agentKeyTypes } from "./sshAgent";
import { configValue } from "./stackConfig";

/** One way to log in. */
export type Credential =
  | { readonly type: "publickey"; readonly key: ParsedKey; readonly label: string }
  | { readonly type: "agent"; readonly socket: string; readonly label: string }
  | { readonly type: "password"; readonly password: string; readonly label: string };

export interface Credentials {
  /** To be tried in this order. */
  readonly found: readonly Credential[];
  /** Credentials that cannot be used, each with the reason, for messages. */
  readonly unusable: readonly string[];
}

/** The value of such a property, inline or from the configuration; `missing` says why the latter has none. */
export function secretOf(
  hop: Readonly<Record<string, unknown>> | ConnectionHop,
  field: (typeof CONFIGURED)[number],
): string | { readonly missing: string } | undefined {
  const inline = hop[field];
  if (typeof inline === "string") return inline;
  const name = hop[`${field}Config`];
  if (typeof name !== "string") return undefined;
  const found = configValue(name);
  return "value" in found ? found.value : found;
}

const defaultKeys = ["id_ed25519", "id_rsa"];

/** A private key, or why the text is none. Line ends of Windows and a missing last one are accepted. */
export function privateKeyOf(text: string, passphrase?: string): ParsedKey | string {
  const normal = `${text.replace(/\r\n/g, "\n").trim()}\n`;
  const parsed: unknown = utils.parseKey(normal, passphrase);
  // For OpenSSH's own format ssh2 returns a list, which its types do not say.
  const first = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error | undefined;
  if (first === undefined) return "it holds no key";
  if (first instanceof Error) {
    return /no passphrase/i.test(first.message)
      ? "it is encrypted, and no privateKeyPassword is given"
      : first.message.replace(/^.*?:\s*/s, "");
  }
  return first.isPrivateKey() ? first : "it is a public key";
}

function keyFile(path: string, passphrase: string | undefined): ParsedKey | string {
  try {
    return privateKeyOf(readFileSync(homePath(path), "latin1"), passphrase);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === "ENOENT" ? "there is no such file" : reasonOf(error);
  }
}

/** The types of keys with which ssh2 can log in. */
const usableTypes = /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521))$/;

/** Keys that ssh2 cannot use, in words. */
function kindsOf(types: readonly string[]): string {
  const kind = (type: string): string =>
    type.includes("-cert-v0")
      ? "certificates"
      : type.startsWith("sk-")
        ? "keys of security tokens"
        : "keys";
  const kinds = [...new Set(types.map(kind))].join(" and ");
  return `${kinds} (${[...new Set(types)].join(", ")})`;
}

class Search {
  readonly found: Credential[] = [];
  readonly unusable: string[] = [];

  /** @param until - when asking must have ended */
  constructor(private readonly until: number) {}

  key(result: ParsedKey | string, label: string): void {
    if (typeof result === "string") this.unusable.push(`${label}: ${result}`);
    else this.found.push({ type: "publickey", key: result, label });
  }

  async agent(socket: string | undefined, label: string): Promise<void> {
    if (socket === undefined || socket === "") {
      this.unusable.push(`${label}: not set`);
      return;
    }
    const types = await agentKeyTypes(homePath(socket), this.until);
    if (typeof types === "string") this.unusable.push(`${label}: ${types}`);
    else if (types.length === 0) this.unusable.push(`${label}: it holds no keys`);
    else if (types.some((type) => usableTypes.test(type))) {
      const text = `${label} (${types.length} ${types.length === 1 ? "key" : "keys"})`;
      this.found.push({ type: "agent", socket: homePath(socket), label: text });
    } else this.unusable.push(`${label}: it holds only ${kindsOf(types)}`);
  }
}

/**
 * Keys that the connection names come first, and then the agent only if the connection names its socket. A connection
 * that names no key uses the agent, then the default key files. A password comes last. An agent is asked until `until`.
 */
export async function findCredentials(hop: ConnectionHop, until: number): Promise<Credentials> {
  const search = new Search(until);
  const given = (field: (typeof CONFIGURED)[number], label: string): string | undefined => {
    const found = secretOf(hop, field);
    if (typeof found === "object") search.unusable.push(`${label}: ${found.missing}`);
    return typeof found === "string" ? found : undefined;
  };
  const from = (field: (typeof CONFIGURED)[number]): string =>
    hop[field] === undefined ? `the configuration value ${hop[`${field}Config`] ?? ""}` : field;
  const passphrase = given("privateKeyPassword", from("privateKeyPassword"));
  const privateKey = given("privateKey", from("privateKey"));
  if (privateKey !== undefined)
    search.key(privateKeyOf(privateKey, passphrase), `the key in ${from("privateKey")}`);
  if (hop.privateKeyPath !== undefined) {
    search.key(keyFile(hop.privateKeyPath, passphrase), `the key file ${hop.privateKeyPath}`);
  }
  const explicit =
    hop.privateKey !== undefined ||
    hop.privateKeyConfig !== undefined ||
    hop.privateKeyPath !== undefined;
  if (hop.agentSocketPath !== undefined) {
    await search.agent(hop.agentSocketPath, "the SSH agent of agentSocketPath");
  } else if (!explicit) {
    await search.agent(process.env.SSH_AUTH_SOCK, "the SSH agent of $SSH_AUTH_SOCK");
  }
  if (!explicit) {
    for (const name of defaultKeys) {
      search.key(keyFile(`~/.ssh/${name}`, passphrase), `the key file ~/.ssh/${name}`);
    }
  }
  const password = given("password", from("password"));
  if (password !== undefined)
    search.found.push({ type: "password", password, label: "the password" });
  return search;
}
