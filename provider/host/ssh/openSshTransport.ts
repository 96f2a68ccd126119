/**
 * Starts programs through the user's own ssh(1), which knows jump hosts, certificates, security tokens and connections that
 * can be shared. It asks nobody anything: it has no terminal, and its first lines of configuration forbid it.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { ConnectionHop } from "../../arguments/connection";
import { addressOf, portOf, userOf } from "./connection";
import { privateKeyOf, secretOf } from "./credentials";
import { attemptEnd, DialFailure, dialed, type DialOptions, unreachable } from "./dialing";
import { HostError } from "../errors";
import { homePath } from "./homeFolder";
import { firstUseWarning, hostKeyAdvice, parseHostKey, trustFor } from "./hostKey";
import { startKeyAgent } from "./keyAgent";
import { fingerprintOf, keyLineOf, type PublicKey } from "./knownHosts";
import { configurationText, type EffectiveHop, sshEnvironment, wordsFor } from "./sshConfig";
import type { ProgramEnd, RemoteProgram, Transport } from "./transport";

/** How often the log of ssh(1) is looked at while it logs in. */
const lookMs = 20;
/** The most of its log that is looked at. */
const maxLog = 256 * 1024;

/** A host, and those on the way to it that the connection names: the host first. */
export type Chain = readonly [ConnectionHop, ...ConnectionHop[]];

export class OpenSshTransport implements Transport {
  readonly address: string;
  readonly lost: Promise<string>;
  readonly warnings: string[] = [];
  private child: ChildProcessWithoutNullStreams | undefined;
  private shown: string | undefined;
  private sayLost: (reason: string) => void = () => undefined;

  /** @param effective - the host with what its configuration adds, to look its key up */
  constructor(
    private readonly chain: Chain,
    private readonly effective: EffectiveHop,
    private readonly options: DialOptions,
  ) {
    this.address = addressOf(effective);
    this.lost = new Promise((resolve) => (this.sayLost = resolve));
  }

  /**
   * The key that ssh(1) has verified. Over a connection that was there before, ssh(1) does not say which that was: then it
   * is one of the host's keys that known_hosts has.
   */
  readonly fingerprint = (hostKeys: readonly PublicKey[]): string => {
    if (this.shown !== undefined) return this.shown;
    const { keys, ofPlainName, source } = trustFor(
      this.effective.host,
      portOf(this.effective),
      this.effective,
    );
    const known = [...keys, ...ofPlainName];
    const found = hostKeys.find(({ blob }) => known.some((one) => one.blob.equals(blob)));
    if (found !== undefined) return fingerprintOf(found.blob);
    throw new HostError("hostKeyUnknown", {
      host: this.address,
      during: "verifying the host key",
      reason: `the connection of ssh(1) that it is shared with does not say which key it has verified, and ${source} has none of those that the host names`,
      changed: "no",
      next: "Set ControlPath to none for this host in ~/.ssh/config, or give connection.hostKey",
    });
  };

  /** Connects, logs in and starts a command, within the limits for dialing. */
  start(command: string, terminal = false): Promise<RemoteProgram> {
    const [hop] = this.chain;
    return dialed(hop, this.options, (deadline) =>
      this.attempt(command, terminal, attemptEnd(hop, deadline)),
    );
  }

  ref(held: boolean): void {
    const { child } = this;
    if (child === undefined) return;
    for (const end of [child, child.stdin, child.stdout, child.stderr] as unknown as Socket[]) {
      if (held) end.ref();
      else end.unref();
    }
  }

  close(): void {
    const { child } = this;
    if (child === undefined) return;
    child.stdin.end();
    setTimeout(() => end(child), 500).unref();
  }

  /** One try. Its folder is gone when the login is through, for ssh(1) has read what is in it. */
  private async attempt(command: string, terminal: boolean, until: number): Promise<RemoteProgram> {
    const began = Date.now();
    const folder = mkdtempSync(join(tmpdir(), "ssh-"));
    const preparation = new Preparation(folder);
    try {
      const argv = await preparation.argvFor(this.chain, until);
      const words = [...argv, terminal ? "-tt" : "-T", ...wordsFor(this.chain[0]), command];
      const child = spawn("ssh", words, {
        env: sshEnvironment(),
        stdio: "pipe",
        // In a session of its own it has no terminal on which it, or a program of its own, could ask somebody.
        detached: true,
      });
      const program = asProgram(child);
      const said = await this.login(child, preparation, until);
      if (said.through) {
        this.shown = shownKey(said.log);
        if (this.effective.trustUnknownHostKeyOnFirstUse === true && this.shown !== undefined) {
          const added = /^Warning: Permanently added .* to the list of known hosts/m.test(said.log);
          this.warnings.push(firstUseWarning(this.shown, added ? "known_hosts" : undefined));
        }
        this.child = child;
        void program.ended.then(() => this.sayLost("the host closed the connection"));
        return program;
      }
      end(child);
      throw translated(this.effective, said, Date.now() - began);
    } finally {
      preparation.clean();
    }
  }

  private async login(
    child: ChildProcessWithoutNullStreams,
    preparation: Preparation,
    until: number,
  ): Promise<Said> {
    const seen = { over: false, missing: false, errors: "" };
    const hear = (chunk: Buffer): void => {
      seen.errors = (seen.errors + chunk.toString("latin1")).slice(-8_192);
    };
    child.stderr.on("data", hear);
    child.on("error", (error: NodeJS.ErrnoException) => {
      seen.over = true;
      seen.missing = error.code === "ENOENT";
    });
    child.on("exit", () => (seen.over = true));
    for (;;) {
      // Whether it is over is asked before the log is read, for the last lines come before the end.
      const ended = seen.over;
      const log = preparation.log;
      const through = isThrough(log);
      const late = Date.now() >= until;
      if (through || ended || late) {
        child.stderr.off("data", hear);
        const { missing, errors } = seen;
        return { through, late: late && !ended, missing, log, errors };
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }
}

/** What came of a login. */
interface Said {
  readonly through: boolean;
  readonly late: boolean;
  /** Whether there is no ssh(1). */
  readonly missing: boolean;
  /** The log of ssh(1). Text of the host stands in it only after a text of ssh's own on the same line. */
  readonly log: string;
  /**
   * What came on its error output, also of those that it runs for jump hosts. A banner of the login stands there too:
   * only a host whose key has been verified can send one.
   */
  readonly errors: string;
}

/** The files and agents that ssh(1) needs for one login. */
class Preparation {
  private readonly ends: (() => void)[] = [];
  private count = 0;

  constructor(private readonly folder: string) {
    this.ends.push(() => rmSync(folder, { recursive: true, force: true }));
  }

  get log(): string {
    try {
      return readFileSync(join(this.folder, "log"), "latin1").slice(0, maxLog);
    } catch {
      // There is none before ssh(1) has begun.
      return "";
    }
  }

  clean(): void {
    for (const end of this.ends) end();
  }

  /** The words for the first host of the chain; the others are the way to it. */
  async argvFor([hop, ...others]: Chain, until: number, isLast = true): Promise<readonly string[]> {
    const limit = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    const options = [
      "BatchMode yes",
      "StrictHostKeyChecking yes",
      "UpdateHostKeys no",
      "FingerprintHash sha256",
      `ConnectTimeout ${limit}`,
      "ConnectionAttempts 1",
      "ForwardAgent no",
      "ForwardX11 no",
      "ClearAllForwardings yes",
      "PermitLocalCommand no",
      "RemoteCommand none",
      "ControlMaster no",
      "ControlPersist no",
      // What passes a jump host is encrypted already.
      `Compression ${isLast ? "yes" : "no"}`,
    ];
    const config = this.write("config", configurationText(options));
    const argv = ["-F", config, ...(await this.keyWords(hop)), ...this.hostKeyWords(hop)];
    if (hop.legacyAlgorithms === true)
      for (const [option, algorithms] of Object.entries(legacyOptions))
        argv.push("-o", `${option}=+${algorithms}`);
    const [next, ...behind] = others;
    if (next !== undefined) {
      const words = [
        "ssh",
        ...(await this.argvFor([next, ...behind], until, false)),
        "-W",
        "[%h]:%p",
      ];
      argv.push("-o", `ProxyCommand=${[...words, ...wordsFor(next)].map(quoted).join(" ")}`);
    }
    // The log is a file of its own: what the host and its programs say does not stand in it.
    if (isLast) argv.push("-e", "none", "-o", "LogLevel=DEBUG1", "-E", join(this.folder, "log"));
    return argv;
  }

  private write(name: string, text: string, mode = 0o600): string {
    const path = join(this.folder, `${name}${this.count++}`);
    writeFileSync(path, text, { mode });
    return path;
  }

  private async keyWords(hop: ConnectionHop): Promise<string[]> {
    for (const field of ["password", "privateKeyPassword"] as const)
      if (secretOf(hop, field) !== undefined && (field === "password" || !hasInlineKey(hop)))
        throw refusal(
          hop,
          `connection.${field} is of no use to ssh(1), which reads it from a terminal only`,
          field === "password"
            ? 'Give a key, or set connection.transport to "ssh2"'
            : "Hold the key in an ssh-agent, or give it as privateKey",
        );
    const words: string[] = [];
    const option = (text: string): void => void words.push("-o", text);
    const inline = secretOf(hop, "privateKey");
    if (typeof inline === "object") throw refusal(hop, inline.missing, "");
    if (inline !== undefined) {
      const passphrase = secretOf(hop, "privateKeyPassword");
      const key = privateKeyOf(inline, typeof passphrase === "string" ? passphrase : undefined);
      if (typeof key === "string") throw refusal(hop, `connection.privateKey: ${key}`, "");
      const socket = join(this.folder, `agent${this.count++}`);
      const server = await startKeyAgent(key, socket);
      this.ends.unshift(() => server.close());
      option(`IdentityAgent=${socket}`);
      option("IdentityFile=none");
    } else if (hop.agentSocketPath !== undefined)
      option(`IdentityAgent=${homePath(hop.agentSocketPath)}`);
    if (hop.privateKeyPath !== undefined) {
      words.push("-i", homePath(hop.privateKeyPath));
      if (hop.agentSocketPath === undefined && inline === undefined) option("IdentitiesOnly=yes");
    }
    return words;
  }

  private hostKeyWords(hop: ConnectionHop): string[] {
    const files = (user: string): string[] => [
      "-o",
      `UserKnownHostsFile=${user}`,
      "-o",
      "GlobalKnownHostsFile=/dev/null",
    ];
    if (hop.hostKey === undefined) {
      const first =
        hop.trustUnknownHostKeyOnFirstUse === true
          ? ["-o", "StrictHostKeyChecking=accept-new"]
          : [];
      if (hop.knownHostsPath === undefined) return first;
      // A shared connection may have been verified by other files.
      const own = files(`"${homePath(hop.knownHostsPath)}"`);
      return [...first, ...own, "-o", "ControlPath=none"];
    }
    const { keys, fingerprints } = parseHostKey(hop.hostKey) ?? { keys: [], fingerprints: [] };
    const alias = "pinned";
    const known = keys.map((key) => `${alias} ${keyLineOf(key)}\n`).join("");
    const words = [
      ...files(this.write("known", known)),
      "-o",
      `HostKeyAlias=${alias}`,
      "-o",
      "ControlPath=none",
      // Versions before 8.5 do not know it, and then trust no fingerprint.
      "-o",
      "IgnoreUnknown=KnownHostsCommand",
    ];
    if (fingerprints.length === 0) return [...words, "-o", "KnownHostsCommand=none"];
    // Of a fingerprint ssh(1) knows no key; it shows the key that it was sent, and takes it where the fingerprint is one.
    const cases = fingerprints.map((one) => `'${one}'`).join("|");
    const script = `case "$1" in ${cases}) echo "${alias} $2 $3";; esac\n`;
    const command = `/bin/sh ${this.write("pinned", script)} %f %t %K`;
    return [...words, "-o", `KnownHostsCommand=${command}`];
  }
}

/** The algorithms with SHA-1 that OpenSSH 5 has, and no others. */
const legacyOptions = {
  KexAlgorithms: "diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1",
  HostKeyAlgorithms: "ssh-rsa",
  PubkeyAcceptedAlgorithms: "ssh-rsa",
  MACs: "hmac-sha1",
};

function hasInlineKey({ privateKey, privateKeyConfig }: ConnectionHop): boolean {
  return privateKey !== undefined || privateKeyConfig !== undefined;
}

/** A word of a ProxyCommand, which ssh(1) hands to a shell after it has replaced its own `%` signs. */
function quoted(word: string): string {
  return /^(?:\[%h\]:%p|[\w@/.:=,+-]+)$/.test(word)
    ? word
    : `'${word.replaceAll("'", `'\\''`).replaceAll("%", "%%")}'`;
}

function end(child: ChildProcessWithoutNullStreams): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    // Its group: a ProxyCommand would outlive it.
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

function asProgram(child: ChildProcessWithoutNullStreams): RemoteProgram {
  // Kept until somebody reads it; what came before the login is read as well, and does no harm there.
  const stderr = child.stderr.pipe(new PassThrough());
  for (const stream of [child.stdin, child.stdout, child.stderr])
    stream.on("error", () => undefined);
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.on("error", () => resolve({ code: null, signal: null }));
    child.on("close", (code, signal) => {
      // 255 is ssh's own: the connection broke.
      resolve({ code: code === 255 ? null : code, signal: signal?.slice(3) ?? null });
    });
  });
  const { stdin, stdout } = child;
  return { stdin, stdout, stderr, ended, close: () => void stdin.end() };
}

/** Whether the log tells of a login, or of a session in a connection that was there before. */
function isThrough(log: string): boolean {
  return /^(?:debug1: )?(?:Authenticated to .* using "|mux_client_request_session: master session id)/m.test(
    log,
  );
}

/** The fingerprint of the key that ssh(1) has verified; undefined in a connection that was there before. */
function shownKey(log: string): string | undefined {
  const line =
    /^debug1: Server host (?:key|certificate): \S+ (SHA256:[A-Za-z0-9+/]{43})(?:,|\s*$)/m;
  return line.exec(log)?.[1];
}

function refusal(hop: ConnectionHop, reason: string, next: string): HostError {
  return new HostError("protocol", {
    host: addressOf(hop),
    during: "connecting with ssh(1)",
    reason,
    changed: "no",
    next,
    retriable: false,
  });
}

/** What ssh(1) writes about a failure, by the beginning of the line, and what it means here. */
const failures: readonly (readonly [RegExp, Meaning])[] = [
  [/^(?:@ +WARNING: REVOKED HOST KEY|Host key \S+ .* revoked)/m, "hostKeyChanged"],
  [
    /^(?:@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed)/m,
    "hostKeyChanged",
  ],
  [
    /^(?:No \S+ host key is known for|Host key verification failed|Certificate invalid)/m,
    "hostKeyUnknown",
  ],
  [/^Unable to negotiate with/m, "noCommon"],
  [
    /^(?:\S+: )?Permission denied \(|^Received disconnect .*Too many authentication failures/m,
    "authRefused",
  ],
  [/^ssh: Could not resolve hostname .*(?:not known|No address)/m, "noName"],
  [/: Bad (?:configuration option|owner or permissions)|: terminating, \d+ bad/m, "configuration"],
];

type Meaning =
  "hostKeyChanged" | "hostKeyUnknown" | "noCommon" | "authRefused" | "noName" | "configuration";

function translated(hop: EffectiveHop, said: Said, ms: number): DialFailure | HostError {
  if (said.missing)
    return refusal(
      hop,
      "there is no ssh(1) here",
      'Install OpenSSH, or set connection.transport to "ssh2"',
    );
  const own = said.log.split("\n").filter((line) => line !== "" && !/^debug\d: /.test(line));
  const text = [...own, ...said.errors.split("\n")]
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const reason = plain(text);
  const meaning = failures.find(([pattern]) => pattern.test(text.join("\n")))?.[1];
  switch (meaning) {
    case "hostKeyChanged":
    case "hostKeyUnknown":
      return keyRefused(hop, meaning, reason, shownKey(said.log));
    case "authRefused":
      return new HostError("authRefused", {
        host: addressOf(hop),
        during: `logging in as ${userOf(hop)}`,
        reason,
        changed: "no",
        next: `Make \`ssh ${userOf(hop)}@${hop.host}\` work without a question, or give another key or agent in connection`,
        retriable: false,
      });
    case "noCommon":
    case "configuration":
      return refusal(
        hop,
        reason,
        meaning === "noCommon"
          ? "Where the host is too old for anything better, set connection.legacyAlgorithms"
          : "Look at ~/.ssh/config",
      );
    case "noName":
      return new DialFailure(
        unreachable(
          hop,
          `its name cannot be resolved: ${reason}`,
          "Check connection.host for a typing error, and that the name is in the DNS or in ~/.ssh/config",
        ),
        false,
      );
    case undefined: {
      const late = `the login did not end within ${Math.ceil(ms / 1000)} s`;
      return new DialFailure(
        unreachable(hop, said.late ? [late, reason].filter(Boolean).join(": ") : reason),
        true,
      );
    }
  }
}

/** The lines that say something, without the frame of at signs and the pictures around them. */
function plain(lines: readonly string[]): string {
  const telling = lines.filter((line) => !/^@*$|^@.*@$/.test(line));
  const text = [...new Set(telling)].slice(0, 12).join("; ");
  return text === "" ? "ssh(1) ended without a word" : text;
}

function keyRefused(
  hop: EffectiveHop,
  kind: "hostKeyChanged" | "hostKeyUnknown",
  reason: string,
  fingerprint: string | undefined,
): HostError {
  const key = fingerprint === undefined ? "" : `it shows the key ${fingerprint}: `;
  return new HostError(kind, {
    host: addressOf(hop),
    during: "verifying the host key",
    reason: `${key}${reason}. No password and no proof of a key was sent`,
    changed: "no",
    next: hostKeyAdvice(kind === "hostKeyUnknown", hop, fingerprint ?? "SHA256:…"),
    retriable: false,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  });
}
