/** What ssh(1)'s configuration says of a host, as `ssh -G` prints it. What the connection itself says stands over it. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { ConnectionArgs, ConnectionHop } from "../../arguments/connection";
import { addressOf } from "./connection";
import { HostError } from "../errors";
import { homePath } from "./homeFolder";
import { trustFor } from "./hostKey";
import { agentKeyTypes } from "./sshAgent";

/** A hop with what its configuration adds. */
export interface EffectiveHop extends ConnectionHop {
  /** The files in which the host's key is looked up. */
  readonly knownHostsFiles?: readonly string[];
  /** The name under which it is looked up there. */
  readonly hostKeyAlias?: string;
  /** Files of private keys, in the order of ssh(1). */
  readonly identityFiles?: readonly string[];
  /** Whether keys of an ssh-agent are left alone. */
  readonly identitiesOnly?: boolean;
}

/** A hop, and why ssh2 cannot reach it as its configuration wants. */
export interface Configured {
  readonly hop: EffectiveHop;
  /** What leads to another host when it is ignored. */
  readonly jump: string | undefined;
  /** What ssh2 cannot do, in words. */
  readonly needs: readonly string[];
}

/** How long ssh(1) may take to print its configuration, in which `Match exec` may run programs. */
const printMs = 10_000;

/** The text of a configuration that includes what ssh(1) would read, and that stands over it with its first lines. */
export function configurationText(first: readonly string[], last: readonly string[] = []): string {
  // ssh(1) itself would look in the home folder of the password database, and everything else of ours is in $HOME.
  const files = [homePath("~/.ssh/config"), "/etc/ssh/ssh_config"];
  return [...first, ...files.map((file) => `Include "${file}"`), "Host *", ...last, ""].join("\n");
}

/** The environment of ssh(1): nothing asks a person anything. */
export function sshEnvironment(): NodeJS.ProcessEnv {
  const { SSH_ASKPASS: _askpass, DISPLAY: _display, ...environment } = process.env;
  return { ...environment, SSH_ASKPASS_REQUIRE: "never" };
}

/** What `ssh -G` prints: values by keywords. Undefined where there is no ssh(1). */
async function printed(
  hop: ConnectionHop,
  until: number,
): Promise<Map<string, string[]> | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-"));
  try {
    const file = join(folder, "config");
    // The first value counts, so the last lines are the defaults of this package.
    writeFileSync(file, configurationText([], ["User root"]), { mode: 0o600 });
    const argv = ["-F", file, "-G", ...wordsFor(hop)];
    const timeout = Math.max(1, Math.min(printMs, until - Date.now()));
    const options = { timeout, env: sshEnvironment(), killSignal: "SIGKILL" as const };
    const { error, stdout, stderr } = await new Promise<{
      readonly error: (Error & { readonly code?: unknown; readonly killed?: boolean }) | null;
      readonly stdout: string;
      readonly stderr: string;
    }>((resolve) => {
      execFile("ssh", argv, options, (error, stdout, stderr) => resolve({ error, stdout, stderr }));
    });
    if (error?.code === "ENOENT") return undefined;
    if (error !== null) {
      const late = `it did not end within ${Math.ceil(timeout / 1000)} s`;
      throw unusable(hop, error.killed === true ? late : stderr.trim());
    }
    return valuesIn(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The last words of a command of ssh(1): what the connection says, and the host. */
export function wordsFor({ host, port, user }: ConnectionHop): readonly string[] {
  return [
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...(user === undefined ? [] : ["-l", user]),
    "--",
    host,
  ];
}

function valuesIn(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (keyword === undefined || value === undefined) continue;
    values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  return values;
}

function unusable(hop: ConnectionHop, reason: string): HostError {
  return new HostError("protocol", {
    host: addressOf(hop),
    during: "reading the configuration of ssh(1)",
    reason,
    changed: "no",
    next: `Look at what \`ssh -G ${hop.host}\` says`,
    retriable: false,
  });
}

/** What the configuration of ssh(1) makes of a hop. @throws HostError where ssh(1) cannot read its configuration */
export async function configured(hop: ConnectionHop, until: number): Promise<Configured> {
  const values = await printed(hop, until);
  if (values === undefined) return { hop, jump: undefined, needs: [] };
  const one = (keyword: string): string | undefined => {
    const value = values.get(keyword)?.[0];
    return value === undefined || value === "none" ? undefined : value;
  };
  const effective = merged(hop, one, values.get("identityfile") ?? []);
  const { host, port = 22 } = effective;
  const jumps = (["proxyjump", "proxycommand"] as const).filter((name) => one(name) !== undefined);
  const needs = (
    ["certificatefile", "pkcs11provider", "knownhostscommand", "revokedhostkeys"] as const
  )
    .filter((name) => one(name) !== undefined)
    .map((name) => `ssh_config has ${name}`);
  if (hop.hostKey === undefined && trustFor(host, port, effective).hasAuthority)
    needs.push("known_hosts has a certificate authority for the host");
  if (hop.hostKey === undefined && existsSync(homePath(one("controlpath") ?? "")))
    needs.push("there is a connection of ssh(1) that can be shared (ControlPath)");
  needs.push(...(await keyNeeds(effective, until)));
  return { hop: effective, jump: jumps[0], needs };
}

function merged(
  hop: ConnectionHop,
  one: (keyword: string) => string | undefined,
  identityFiles: readonly string[],
): EffectiveHop {
  const [user, alias, agent] = [one("user"), one("hostkeyalias"), one("identityagent")];
  const files = [one("userknownhostsfile"), one("globalknownhostsfile")].flatMap(
    (names) => names?.split(" ") ?? [],
  );
  const namesAgent = agent !== undefined && !/^(?:SSH_AUTH_SOCK|\$)/.test(agent);
  const namesKey =
    hop.privateKey !== undefined ||
    hop.privateKeyConfig !== undefined ||
    hop.privateKeyPath !== undefined;
  return {
    ...hop,
    host: one("hostname") ?? hop.host,
    port: Number(one("port") ?? 22),
    ...(user === undefined ? {} : { user }),
    ...(namesAgent && !namesKey && hop.agentSocketPath === undefined
      ? { agentSocketPath: agent }
      : {}),
    ...(alias === undefined ? {} : { hostKeyAlias: alias }),
    knownHostsFiles: files.map(ofThisHome),
    identityFiles,
    identitiesOnly: one("identitiesonly") === "yes",
  };
}

/** The default files, which ssh(1) names by the home folder of the password database, are those of $HOME. */
function ofThisHome(path: string): string {
  const name = /\/\.ssh\/(known_hosts2?)$/.exec(path)?.[1] ?? "";
  return path === join(userInfo().homedir, ".ssh", name) ? `~/.ssh/${name}` : path;
}

/** Which keys ssh2 cannot use: those of security tokens, and certificates. */
async function keyNeeds(hop: EffectiveHop, until: number): Promise<readonly string[]> {
  const { privateKey, privateKeyConfig, privateKeyPath, identityFiles = [] } = hop;
  const inline = privateKey !== undefined || privateKeyConfig !== undefined;
  const files = privateKeyPath === undefined ? (inline ? [] : identityFiles) : [privateKeyPath];
  const ofFiles = files.flatMap((file) => {
    if (existsSync(`${homePath(file)}-cert.pub`))
      return [`there is a certificate, ${file}-cert.pub`];
    const text = beginningOf(file);
    if (isTokenKey(text)) return [`${file} is the key of a security token`];
    // As in `IdentityFile key.pub` with the key in an agent: which of the agent's keys it is, ssh2 cannot be told.
    const isPublic = /^(?:ssh|ecdsa|sk)-/.test(text);
    return isPublic ? [`${file} names a key of the ssh-agent`] : [];
  });
  const socket =
    hop.agentSocketPath ?? (inline || privateKeyPath !== undefined ? "" : agentSocket(hop));
  if (socket === "" || ofFiles.length > 0) return ofFiles;
  const types = await agentKeyTypes(homePath(socket), until);
  const special = Array.isArray(types)
    ? types.filter((type) => /^sk-|-cert-v0/.test(String(type)))
    : [];
  return special.length === 0 ? [] : [`the ssh-agent holds ${[...new Set(special)].join(" and ")}`];
}

function agentSocket({ identitiesOnly }: EffectiveHop): string {
  return identitiesOnly === true ? "" : (process.env.SSH_AUTH_SOCK ?? "");
}

function beginningOf(path: string): string {
  try {
    return readFileSync(homePath(path), "latin1").slice(0, 65_536);
  } catch {
    // A file that cannot be read is for the login to report.
    return "";
  }
}

/** Whether a private key in OpenSSH's format is that of a security token. Its type stands in the clear. */
function isTokenKey(text: string): boolean {
  const [, base64 = ""] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text) ?? [];
  return /sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com/.test(
    Buffer.from(base64, "base64").toString("latin1"),
  );
}

/** A connection, and the hosts on the way to it, with what their configurations say. */
export interface ConfiguredChain {
  /** The host itself first, then the one in front of it, and so on. */
  readonly hops: readonly EffectiveHop[];
  readonly jump: string | undefined;
  readonly needs: readonly string[];
}

/** @throws HostError where ssh(1) cannot read its configuration */
export async function configuredChain(
  args: ConnectionArgs,
  until: number,
): Promise<ConfiguredChain> {
  const { proxy, ...own } = args;
  const first = await configured(own, until);
  if (proxy === undefined) return { hops: [first.hop], jump: first.jump, needs: first.needs };
  const others = await configuredChain(proxy, until);
  // The proxy that the connection names stands over those of the configuration.
  return {
    hops: [first.hop, ...others.hops],
    jump: others.jump,
    needs: [...first.needs, ...others.needs],
  };
}
