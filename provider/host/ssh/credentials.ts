/**
 * Finds the credentials for a connection at run time. The state holds them only where the user gave them inline; else
 * it holds the names of configuration values, of files or of a socket. Errors name where was looked, and never a
 * secret.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { ParsedKey } from "ssh2";
import type { CONFIGURED, ConnectionHop, LOGIN_SECRETS } from "../../arguments/connection";
import { reasonOf } from "../errors";
import { homePath } from "./homeFolder";
import { ssh2 } from "./libraries";
import { agentKeyTypes } from "./sshAgent";
import type { EffectiveHop } from "./sshConfig";
import { configValue } from "../stackConfig";

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
  const values: Readonly<Record<string, unknown>> = { ...hop };
  const inline = values[field];
  if (typeof inline === "string") return inline;
  const name = values[`${field}Config`];
  if (typeof name !== "string") return undefined;
  const found = configValue(name);
  return "value" in found ? found.value : found;
}

/** The names that ssh(1) tries, without those that no release of OpenBSD in use makes; those of tokens where they are there. */
const defaultKeys = ["id_ed25519", "id_ecdsa", "id_rsa"];
const tokenKeys = ["id_ed25519_sk", "id_ecdsa_sk"];

/** A private key, or why the text is none. Line ends of Windows and a missing last one are accepted. */
export function privateKeyOf(text: string, passphrase?: string): ParsedKey | string {
  const normal = `${text.replace(/\r\n/g, "\n").trim()}\n`;
  const readable = /^-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----/m.test(normal)
    ? fromPkcs8(normal, passphrase)
    : { key: normal };
  if (typeof readable === "string") return readable;
  const parsed: unknown = ssh2().utils.parseKey(readable.key, passphrase);
  // For OpenSSH's own format ssh2 returns a list, which its types do not say.
  const first = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error | undefined;
  if (first === undefined) return "it holds no key";
  // Not by its class: an error of Node's own may be of another realm.
  if (!("isPrivateKey" in first)) {
    if (/no passphrase/i.test(first.message)) return needsPassphrase;
    const { message } = first;
    // Node has the cipher, but not in the construction of OpenSSH.
    return /initialization vector/i.test(message) && normal.includes("OPENSSH PRIVATE KEY")
      ? 'it is encrypted with a cipher that cannot be read here: hold it in an ssh-agent, or encrypt it anew with "ssh-keygen -p -Z aes256-ctr -f FILE"'
      : message.replace(/^.*?:\s*/s, "");
  }
  return first.isPrivateKey() ? first : "it is a public key";
}

const needsPassphrase = "it is encrypted, and no privateKeyPassword is given";

/** A key in PKCS#8 (RFC 5958), which ssh2 does not read, in a format that it reads; or why that cannot be. */
function fromPkcs8(
  text: string,
  passphrase: string | undefined,
): { readonly key: string } | string {
  if (passphrase === undefined && text.includes("BEGIN ENCRYPTED")) return needsPassphrase;
  try {
    const key = createPrivateKey({
      key: text,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    if (key.asymmetricKeyType === "ed25519") return { key: opensshKey(key) };
    const type = key.asymmetricKeyType === "ec" ? "sec1" : "pkcs1";
    return { key: key.export({ type, format: "pem" }).toString() };
  } catch (error) {
    return reasonOf(error);
  }
}

/** An ed25519 key in OpenSSH's format, not encrypted (PROTOCOL.key of OpenSSH). */
function opensshKey(key: KeyObject): string {
  const { x = "", d = "" } = key.export({ format: "jwk" });
  const [open, secret] = [Buffer.from(x, "base64url"), Buffer.from(d, "base64url")];
  const field = (bytes: Buffer | string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, Buffer.from(bytes)]);
  };
  const type = "ssh-ed25519";
  const both = field(Buffer.concat([secret, open]));
  const inner = Buffer.concat([Buffer.alloc(8), field(type), field(open), both, field("")]);
  const padding = Buffer.from(
    Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, at) => at + 1),
  );
  const outer = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...["none", "none", ""].map(field),
    Buffer.from([0, 0, 0, 1]),
    field(Buffer.concat([field(type), field(open)])),
    field(Buffer.concat([inner, padding])),
  ]);
  const name = "OPENSSH PRIVATE KEY";
  return `-----BEGIN ${name}-----\n${outer.toString("base64").replace(/.{70}/g, "$&\n")}\n-----END ${name}-----\n`;
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

/** The key files of ssh(1)'s configuration; where it names none, those that ssh(1) tries by itself. */
function identityFiles({ identityFiles = [] }: EffectiveHop): readonly string[] {
  if (identityFiles.some((path) => !/^~\/\.ssh\/id_\w+$/.test(path))) return identityFiles;
  const inHome = (name: string): string => `~/.ssh/${name}`;
  const ofTokens = tokenKeys.map(inHome).filter((path) => existsSync(homePath(path)));
  return [...defaultKeys.map(inHome), ...ofTokens];
}

/**
 * Keys that the connection names come first, and then the agent only if the connection names its socket. A connection
 * that names no key uses the agent, then the default key files. A password comes last. An agent is asked until `until`.
 */
export async function findCredentials(hop: EffectiveHop, until: number): Promise<Credentials> {
  const search = new Search(until);
  const given = (field: (typeof LOGIN_SECRETS)[number], label: string): string | undefined => {
    const found = secretOf(hop, field);
    if (typeof found === "object") search.unusable.push(`${label}: ${found.missing}`);
    return typeof found === "string" ? found : undefined;
  };
  const from = (field: (typeof LOGIN_SECRETS)[number]): string =>
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
  } else if (!explicit && hop.identitiesOnly !== true) {
    await search.agent(process.env.SSH_AUTH_SOCK, "the SSH agent of $SSH_AUTH_SOCK");
  }
  if (!explicit) {
    for (const path of identityFiles(hop))
      search.key(keyFile(path, passphrase), `the key file ${path}`);
  }
  const password = given("password", from("password"));
  if (password !== undefined)
    search.found.push({ type: "password", password, label: "the password" });
  return search;
}
