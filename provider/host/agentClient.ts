/** The `Host` of host.ts, by requests to an agent (agent.pl) that runs on the host. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import {
  candidateOf,
  connectAnswerOf,
  dictionaryOf,
  factAnswerOf,
  jobStateOf,
  watchEndOf,
  judgementsOf,
  messageFoundOf,
  runResultOf,
  streamAnswerOf,
  systemFactsOf,
  treeOutcomeOf,
  uploadOf,
  writeOutcomeOf,
} from "./agentAnswers";
import {
  AgentSession,
  MISUNDERSTOOD,
  type RequestOptions,
  type SessionCounters,
} from "./agentSession";
import { sha256 } from "../values/digest";
import { unlock } from "./doas";
import { type Changed, HostError, type HostErrorDetails, reasonOf } from "./errors";
import { fileAt, type FileState, MAX_TEXT } from "./fileState";
import {
  MAX_AT_ONCE,
  type Answers,
  type Expectation,
  type Fact,
  type FactAnswers,
  type Facts,
  type Host,
  type HostReader,
  type HostWriter,
  type JobRequest,
  type JobState,
  type WatchEnd,
  type WatchRequest,
  type Judgement,
  type JudgementAnswer,
  type MessageFound,
  type MessageRequest,
  type RunRequest,
  type RunResult,
  type SystemFacts,
  type WriteOutcome,
  type WriteRequest,
} from "./host";
import { fingerprintOf, type PublicKey, publicKeyIn } from "./ssh/knownHosts";
import { RelayedConnection } from "./tcpRelay";
import type { RemoteProgram, Transport } from "./ssh/transport";
import { toBytes, WireError, type WireValue } from "./wire";

export interface AgentOptions {
  /** `user@host:port`, for messages. */
  readonly address: string;
  /** The fingerprint of the verified host key, as {@link Transport} gives it. */
  readonly fingerprint: Transport["fingerprint"];
  /** Settles with the reason when the SSH connection breaks. */
  readonly lost?: Promise<string>;
  /** The folder of the record and the lock on the host. @default "/var/db/pulumi-openbsd-postfix" */
  readonly record?: string;
  /** The password for doas(1); with it, the agent was started on a terminal. */
  readonly doasPassword?: string;
  /** The folder of sshd's keys and configuration on the host. @default "/etc/ssh" */
  readonly sshFolder?: string;
  /** How long the start of the agent may take. @default 20 000 */
  readonly helloTimeoutMs?: number;
  /** Milliseconds between two pings. @default 10 000 */
  readonly pingMs?: number;
  /** After this many pings without an answer the connection counts as lost. @default 3 */
  readonly pingTimes?: number;
  /** The agent gives up the write section of a process that is silent for so many milliseconds. @default 120 000 */
  readonly silenceMs?: number;
}

/**
 * A command that becomes the agent: as root by running perl with `words`, as another user through doas(1). With -n doas
 * never asks for a password. It compares the `cmd` of a rule as text (docs/openbsd.md 11), so both spellings of perl are
 * tried, with an empty program. csh, ksh and fish read it alike, for sshd(8) hands it to the user's login shell. Perl gets
 * no variable of the login's environment, of which PERL5OPT, PERL5LIB, PERL_UNICODE and PERLIO would change what the agent
 * does.
 */
function commandFor(words: string, first: string, mayAsk: boolean): string {
  const clean = 'env -i PATH="$PATH"';
  return (
    "exec /bin/sh -c '" +
    "PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/usr/local/sbin; export PATH; " +
    first +
    `if test "$(id -u)" = 0; then exec ${clean} perl ${words}; fi; ` +
    "if command -v doas >/dev/null 2>&1; then for p in perl /usr/bin/perl; do " +
    `said=$(${clean} doas -n $p - </dev/null 2>&1) && exec ${clean} doas -n $p ${words}; ` +
    `case "$said" in *required*) exec ${clean} doas ${mayAsk ? "" : "-n "}$p ${words};; esac; ` +
    `done; exec ${clean} doas -n perl -; fi; ` +
    'echo "doas: not found" >&2; exit 127' +
    "'"
  );
}

/** The command that becomes the agent. */
export const agentCommand = commandFor("-", "", false);

/**
 * The same on a terminal, on which doas(1) may ask for a password. The terminal passes bytes as they are. What is sent
 * before doas has set it back is lost (readpassphrase(3) discards it), so Perl says that it runs before it becomes the
 * agent ({@link unlock}). Its error output would stand among the answers.
 */
export const agentCommandOnTerminal = commandFor(
  '-e "syswrite STDOUT, chr(0).qq(unlocked\\n); open STDERR, q(>/dev/null); exec q(perl), q(-)"',
  "stty raw -echo || exit 126; ",
  true,
);

let agentText: Buffer | undefined;

/**
 * The text of the agent as it is sent, without comments and indentation. Its lines keep their numbers, which Perl's
 * messages name, and `__END__` tells Perl where it ends.
 */
export function agentProgram(): Buffer {
  agentText ??= Buffer.from(
    readFileSync(join(__dirname, "agent.pl"), "latin1").replace(/^[ \t]*(?:#.*)?/gm, "") +
      "\n__END__\n",
    "latin1",
  );
  return agentText;
}

/** How much later than the agent this process gives up: the agent knows better what took so long. */
const slackMs = 20_000;
const lookMs = 60_000;
/** The agent sends the contents of small files with its answer; those of others are asked in pieces of this size. */
const pieceSize = 4 * 1024 * 1024;
/** The largest file of a candidate that travels with others in one request. */
const smallFile = 1024 * 1024;
/** How often a file that changes while its pieces are read is read again from its beginning. */
const rereads = 5;
const fileMs = 60_000;
const lockWaitMs = 300_000;
const runMs = 60_000;
/** A copy of a database of some gigabytes takes long. */
const copyMs = 600_000;
/** A tree takes long: each of its files is synced. */
const treeMs = 600_000;

function piecesOf(contents: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < contents.length; at += pieceSize)
    pieces.push(contents.slice(at, at + pieceSize));
  return pieces;
}

function shortened(argv: readonly string[]): string {
  const line = argv.join(" ").replace(/[^\x20-\x7e]/g, "?");
  return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

/** The rule of doas.conf(5) that this package needs, and no more. */
function doasRule(address: string, options: string): string {
  const user = address.split("@")[0] ?? "";
  return `"permit ${options}${user} as root cmd /usr/bin/perl" in /etc/doas.conf`;
}

function doasRefusal(details: Omit<HostErrorDetails, "next">, said: string): HostError {
  const { host } = details;
  const reason = `the user is not root, and doas refuses: ${said}`;
  const next = /required/.test(said)
    ? `Give the user's password as connection.doasPassword, or let doas do it without one: ${doasRule(host, "nopass ")}`
    : `Connect as root, or let doas do it: ${doasRule(host, "nopass ")}, or without "nopass" and with connection.doasPassword`;
  return new HostError("notPrivileged", { ...details, reason, next });
}

/** The error for an agent that ended before its greeting, by what the host wrote instead. */
function startError(session: AgentSession, error: HostError, address: string): HostError {
  if (session.greeted || error.kind !== "lost") return error;
  const said = session.complaints;
  const during = "starting the agent (perl as root) on the host";
  const details = {
    host: address,
    during,
    reason: error.reason,
    changed: "no",
    retriable: false,
  } as const;
  if (/^doas: not found/m.test(said)) {
    const reason = "the user is not root, and there is no doas on the host";
    return new HostError("notPrivileged", { ...details, reason, next: "Connect as root" });
  }
  if (/\bdoas\b/.test(said)) return doasRefusal(details, said);
  if (/perl.*not found|not found.*perl/i.test(said)) {
    return new HostError("protocol", {
      ...details,
      next: "Install Perl, which is in the base system of OpenBSD",
    });
  }
  return said === ""
    ? error
    : new HostError("protocol", { ...details, next: "Look at what the user's login shell writes" });
}

/** Facts as dictionaries, which to the compiler an interface is not. */
function wireFacts(facts: Facts): Readonly<Record<string, WireValue>> {
  const wire = ([name, fact]: readonly [string, Fact]): [string, WireValue] =>
    fact.fact !== "probe" || fact.env === undefined
      ? [name, fact]
      : [name, { ...fact, env: { ...fact.env } }];
  return Object.fromEntries(Object.entries(facts).map(wire));
}

/**
 * The fingerprints of a host that has shown one of its keys. What the host says of its other keys counts where the
 * one that it has shown is among them: else the files are not those of the sshd that answers.
 */
function fingerprintsOf(shown: string, hostKeys: readonly PublicKey[]): readonly string[] {
  const all = hostKeys.map(({ blob }) => fingerprintOf(blob));
  return all.includes(shown) ? [...new Set(all)].sort() : [shown];
}

function keysOf({ hostKeys }: SystemFacts): readonly PublicKey[] {
  return hostKeys.flatMap((line) => publicKeyIn(line) ?? []);
}

/** Requests that only look. */
class Reader {
  readonly fingerprints: readonly string[];

  constructor(
    protected readonly session: AgentSession,
    readonly address: string,
    readonly fingerprint: string,
    readonly system: SystemFacts,
  ) {
    this.fingerprints = fingerprintsOf(fingerprint, keysOf(system));
  }

  async read<F extends Facts>(facts: F): Promise<Answers<F>> {
    const answers: Record<string, FactAnswers[Fact["fact"]]> = {};
    const found: Answers<Facts> = await this.readOnce(facts);
    for (const [name, answer] of Object.entries(found))
      answers[name] =
        facts[name]?.fact === "file" ? await this.completed(answer as FileState) : answer;
    return answers as Answers<F>;
  }

  /** Reads facts in one request. Of a file over {@link pieceSize} the answer lacks the contents. */
  private readOnce<F extends Facts>(facts: F): Promise<Answers<F>> {
    const during = `reading ${Object.keys(facts).length} facts`;
    const received = (reply: WireValue): WireValue => this.session.fileCache.restored(reply);
    const options = { during, timeoutMs: lookMs + slackMs, received };
    return this.ask("read", { facts: wireFacts(facts), ...this.place() }, options, (reply) => {
      const answers = dictionaryOf(reply, "the facts");
      const entries = Object.entries<Fact>(facts).map(([name, fact]) => [
        name,
        factAnswerOf(fact, answers[name]),
      ]);
      return Object.fromEntries(entries) as Answers<F>;
    });
  }

  /** The state of a path with the contents that the answer lacked, unless they are too large to be carried. */
  private async completed(state: FileState): Promise<FileState> {
    const file = fileAt(state);
    if (file === undefined || typeof file.contents === "string" || file.size > MAX_TEXT)
      return state;
    const path = file.contents.tooLarge;
    const { fileCache } = this.session;
    const withContents = (read: FileState): FileState =>
      state.type === "symlink" ? { ...state, file: read } : read;
    const known = fileCache.large(path, file);
    if (known !== undefined) return withContents(known);
    for (let attempt = 1; attempt <= rereads; attempt += 1) {
      const contents = await this.inPieces(path, file.size);
      const { now } = await this.readOnce({ now: { fact: "digest", path } });
      if (now.type !== "file") break;
      if (contents === undefined || sha256(contents) !== now.sha256) continue;
      const read = { ...now, contents };
      fileCache.passed(path, now.sha256, contents, read);
      return withContents(read);
    }
    throw new HostError("refused", {
      host: this.address,
      during: `reading ${path}`,
      reason: "it changed all the time while it was read",
      changed: "no",
      next: "Find out which program writes it, and run this again when that has ended",
    });
  }

  /** The contents of a file; `undefined` when it got too large meanwhile. What was read in between may be of two versions. */
  private async inPieces(path: string, size: number): Promise<string | undefined> {
    const pieces: string[] = [];
    for (let offset = 0; offset <= MAX_TEXT;) {
      const { piece } = await this.readOnce({
        piece: { fact: "tail", path, offset, limit: pieceSize },
      });
      if (piece === null || piece.contents === "") return pieces.join("");
      pieces.push(piece.contents);
      offset += piece.contents.length;
      if (offset >= Math.max(size, piece.size)) return pieces.join("");
    }
    return undefined;
  }

  async judge(candidate: Judgement): Promise<readonly JudgementAnswer[]> {
    const during = "having the host judge the candidate configuration";
    const timeoutMs = lookMs * Math.max(1, candidate.commands.length) + slackMs;
    const values = { ...candidate, timeoutMs: lookMs };
    const files = Object.entries(candidate.files);
    const large = files.filter(([, contents]) => contents.length > smallFile);
    if (large.length === 0) return this.ask("judge", values, { during, timeoutMs }, judgementsOf);
    const begun = await this.ask("candidate", {}, { during, timeoutMs }, candidateOf);
    for (const [name, contents] of large)
      for (const bytes of piecesOf(contents))
        await this.ask(
          "candidatePiece",
          { candidate: begun, name, bytes },
          { during, timeoutMs: fileMs },
          nothing,
        );
    const small = Object.fromEntries(files.filter((one) => !large.includes(one)));
    return this.ask(
      "judge",
      { ...values, files: small, candidate: begun },
      { during, timeoutMs },
      judgementsOf,
    );
  }

  /** What tells the agent where a read stands among the requests of a write section. */
  protected place(): Readonly<Record<string, WireValue>> {
    return {};
  }

  /** Sends a request. @throws HostError of kind "protocol" for a reply that `parse` does not understand */
  protected async ask<T>(
    op: string,
    values: Readonly<Record<string, WireValue>>,
    options: RequestOptions,
    parse: (reply: WireValue) => T,
  ): Promise<T> {
    const reply = await this.session.request(op, values, options);
    try {
      return parse(reply);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw new HostError("protocol", {
        host: this.address,
        during: options.during,
        reason: reasonOf(error),
        changed: "unknown",
        next: MISUNDERSTOOD,
      });
    }
  }
}

/** Requests that leave nothing on the host: bytes that wait for their write, and a conversation until something is said. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...["upload", "piece"],
  ...["connect", "receive", "disconnect"],
]);

/** What the requests of one write section share. */
class Section {
  /** Changes that are made. */
  done = 0;
  /** Requests under way. */
  readonly open = new Set<Promise<unknown>>();
  readonly connections = new Set<RelayedConnection>();
  /** Requests under way that may change something. */
  changing = 0;
  /** Has the agent not said yet that the section has begun? The requests after that wait on the host for the lock. */
  waitMs: number;

  constructor(
    readonly token: string,
    waitMs: number,
  ) {
    this.waitMs = waitMs;
  }
}

/** Requests of one write section, which may change the host. */
class Writer extends Reader implements HostWriter {
  /** The request after which the next one is carried out. */
  private last: number | undefined;

  constructor(
    private readonly reader: {
      readonly session: AgentSession;
      readonly address: string;
      readonly fingerprint: string;
      readonly system: SystemFacts;
    },
    private readonly section: Section,
    /** The section, or another view of it, that this is a view of. */
    private readonly parent?: Writer,
    private readonly order?: "each after the last" | "all behind one",
  ) {
    super(reader.session, reader.address, reader.fingerprint, reader.system);
    this.last = parent?.last;
  }

  attempts = 0;

  private count(attempts: number): void {
    this.attempts += attempts;
    this.parent?.count(attempts);
  }

  inOrder(): HostWriter {
    return new Writer(this.reader, this.section, this, "each after the last");
  }

  behind(): HostWriter {
    return new Writer(this.reader, this.section, this, "all behind one");
  }

  /** Whether the section has changed the host. A request under way when the line broke may or may not have. */
  readonly changed = (cause: "failed" | "lost"): Changed => {
    if (cause === "lost" && this.section.changing > 0) return "unknown";
    return this.section.done > 0 ? "yes" : "no";
  };

  /** Resolves when no request of this section is under way any more. */
  async quiet(): Promise<void> {
    const { connections, open } = this.section;
    for (const connection of connections) connection.destroy();
    while (open.size > 0) await Promise.allSettled([...open]);
  }

  protected override place(): Readonly<Record<string, WireValue>> {
    return {
      section: this.section.token,
      ...(this.last === undefined ? {} : { after: this.last }),
    };
  }

  async write(request: WriteRequest): Promise<WriteOutcome> {
    this.mustBeModest(request);
    const { path, expect } = request;
    const during = `writing ${path}`;
    const send = (
      values: Readonly<Record<string, WireValue>>,
      received?: RequestOptions["received"],
    ): Promise<WriteOutcome> =>
      this.settle(this.change("write", values, during, copyMs, writeOutcomeOf, received));
    if ("from" in request) return send({ ...request, expect: { ...expect } });
    const { contents, ...rest } = request;
    const values = { ...rest, expect: { ...expect }, sha256: sha256(contents) };
    const { fileCache } = this.session;
    const known = "sha256" in expect ? expect.sha256 : undefined;
    const toSend = fileCache.toSend(path, known, contents);
    const isLarge = contents.length > MAX_AT_ONCE;
    const passed = (outcome: WriteOutcome): WriteOutcome => {
      if (isLarge && outcome.written) fileCache.passed(path, outcome.sha256, contents);
      return outcome;
    };
    if (!isLarge || "splices" in toSend)
      return passed(
        await send({ ...values, ...toSend }, (reply) => fileCache.written(reply, contents)),
      );
    const upload = await this.change("upload", { path }, during, fileMs, uploadOf);
    for (const bytes of piecesOf(contents))
      await this.change("piece", { upload, bytes }, during, fileMs, nothing);
    return passed(await send({ ...values, upload }));
  }

  async remove(path: string, expect: Expectation): Promise<WriteOutcome> {
    const values = { path, expect: { ...expect } };
    return this.settle(this.change("remove", values, `removing ${path}`, fileMs, writeOutcomeOf));
  }

  async setAttributes(path: string, mode: number, uid: number, gid: number): Promise<void> {
    const during = `setting the owner and mode of ${path}`;
    await this.change(
      "attributes",
      { path, mode, uid, gid },
      during,
      fileMs,
      this.counted(nothing),
    );
  }

  async makeDirectory(path: string, mode: number, uid?: number, gid?: number): Promise<void> {
    const owner = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    const during = `making the folder ${path}`;
    await this.change("directory", { path, mode, ...owner }, during, fileMs, this.counted(nothing));
  }

  async run(request: RunRequest): Promise<RunResult> {
    const during = `running ${shortened(request.argv)}`;
    const timeoutMs = (request.timeoutMs ?? runMs) + slackMs;
    return this.change("run", { ...request }, during, timeoutMs, this.counted(runResultOf));
  }

  async startJob(request: JobRequest): Promise<JobState> {
    const during = `starting the job ${request.key} (${shortened(request.argv)})`;
    return this.change("startJob", { ...request }, during, fileMs, this.counted(jobStateOf));
  }

  async pollJob(key: string, offset: number, waitMs = 0): Promise<JobState> {
    const during = `looking at the job ${key}`;
    return this.look("pollJob", { key, offset, waitMs }, during, waitMs + fileMs, jobStateOf);
  }

  async forgetJob(key: string): Promise<void> {
    const during = `removing the record of the job ${key}`;
    await this.change("forgetJob", { key }, during, fileMs, nothing);
  }

  async arm({ files, commands, ...request }: WatchRequest): Promise<WatchEnd> {
    const values = {
      ...request,
      commands: commands.map((argv) => [...argv]),
      files: files.map((file) => ({ ...file, expect: { ...file.expect } })),
    };
    const during = `arming the watch of ${request.purpose}`;
    return this.change("arm", values, during, fileMs, watchEndOf);
  }

  async disarm(): Promise<WatchEnd> {
    return this.change("disarm", {}, "disarming the watch", fileMs, watchEndOf);
  }

  async connect(host: string, port: number, timeoutMs: number): Promise<RelayedConnection> {
    const during = `connecting to ${host} port ${port} on the host`;
    const values = { host, port, timeoutMs };
    const limit = timeoutMs + slackMs;
    const answer = await this.change("connect", values, during, limit, connectAnswerOf);
    if ("error" in answer)
      throw new HostError("program", {
        host: this.address,
        during,
        reason: answer.error,
        changed: this.changed("failed"),
        next: "",
      });
    const connection = this.relay(
      answer.stream,
      `talking to ${host} port ${port} on the host`,
      limit,
    );
    this.section.connections.add(connection);
    connection.once("close", () => this.section.connections.delete(connection));
    return connection;
  }

  async copyTree(from: string, to: string, expect: string): Promise<boolean> {
    return this.changeTree("copyTree", { from, to, expect }, `copying ${from} to ${to}`);
  }

  async pruneTree(path: string, keep: readonly string[], expect: string): Promise<boolean> {
    return this.changeTree("pruneTree", { path, keep, expect }, `removing ${path}`);
  }

  async removeFolder(path: string, files: boolean): Promise<boolean> {
    return this.changeTree("removeFolder", { path, files }, `removing ${path}`);
  }

  async move(from: string, to: string): Promise<void> {
    const during = `moving ${from} to ${to}`;
    await this.change("move", { from, to }, during, fileMs, this.counted(nothing));
  }

  async takeMessage(request: MessageRequest): Promise<MessageFound> {
    const during = `looking for the test message in ${request.path}`;
    const limit = request.timeoutMs + slackMs;
    const found = await this.change("takeMessage", { ...request }, during, limit, messageFoundOf);
    if (found.stale > 0 || (found.found && !request.keep)) this.section.done++;
    return found;
  }

  /**
   * No file is ever made one that runs as its owner or that everybody can write to. A record that says that it was one
   * before was tampered with, or the file has that mode now, and keeps it.
   */
  private mustBeModest({ path, mode = 0 }: WriteRequest): void {
    if ((mode & 0o7002) === 0) return;
    throw new HostError("refused", {
      host: this.address,
      during: `writing ${path}`,
      reason: `with mode ${mode.toString(8).padStart(4, "0")} it would run as its owner, or everybody could write to it`,
      changed: this.changed("failed"),
      next: "Set such a mode by hand where it is meant. Where nobody has set it before, look at who could have written the record of what was there before",
    });
  }

  private relay(stream: number, during: string, limit: number): RelayedConnection {
    const ask = async (
      op: string,
      values: Readonly<Record<string, WireValue>> = {},
    ): Promise<ReturnType<typeof streamAnswerOf>> => {
      const answer = await this.change(op, { stream, ...values }, during, limit, streamAnswerOf);
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    };
    return new RelayedConnection({
      receive: async () => {
        const { bytes } = await ask("receive");
        return bytes === undefined ? undefined : Buffer.from(bytes, "latin1");
      },
      send: async (bytes) => {
        await ask("send", { bytes: bytes.toString("latin1") });
        this.section.done++;
      },
      close: async () => {
        if (this.session.ended === undefined) await ask("disconnect");
      },
    });
  }

  private async changeTree(
    op: string,
    values: Readonly<Record<string, WireValue>>,
    during: string,
  ): Promise<boolean> {
    const written = await this.change(op, values, during, treeMs, treeOutcomeOf);
    if (written) this.section.done++;
    return written;
  }

  /** For a request that has changed something as soon as it is answered. */
  private counted<T>(parse: (reply: WireValue) => T): (reply: WireValue) => T {
    return (reply) => {
      this.section.done++;
      return parse(reply);
    };
  }

  /** Waits for a write or a removal: the agent does the whole of it, or refuses and leaves the file as it was. */
  private async settle(request: Promise<WriteOutcome>): Promise<WriteOutcome> {
    try {
      const outcome = await request;
      if (outcome.written) this.section.done++;
      else this.count(-1);
      return outcome;
    } catch (error) {
      if (HostError.isInstance(error) && error.kind === "refused") this.count(-1);
      throw error;
    }
  }

  private look<T>(
    op: string,
    values: Readonly<Record<string, WireValue>>,
    during: string,
    timeoutMs: number,
    parse: (reply: WireValue) => T,
    received?: RequestOptions["received"],
  ): Promise<T> {
    const id = this.session.reserve();
    const options = { id, during, timeoutMs, ...(received === undefined ? {} : { received }) };
    const reply = this.ask(op, { ...values, ...this.place() }, options, parse);
    if (this.order === "each after the last") this.last = id;
    this.section.open.add(reply);
    const forget = () => this.section.open.delete(reply);
    reply.then(forget, forget);
    return reply;
  }

  private async change<T>(
    ...[op, values, during, timeoutMs, parse, received]: Parameters<typeof this.look<T>>
  ): Promise<T> {
    this.section.changing++;
    if (!HARMLESS.has(op)) this.count(1);
    try {
      return await this.look(op, values, during, timeoutMs, parse, received);
    } catch (error) {
      const isSkipped = HostError.isInstance(error) && error.kind === "skipped";
      if (isSkipped && !HARMLESS.has(op)) this.count(-1);
      throw error;
    } finally {
      this.section.changing--;
    }
  }

  protected override ask<T>(
    op: string,
    values: Readonly<Record<string, WireValue>>,
    options: RequestOptions,
    parse: (reply: WireValue) => T,
  ): Promise<T> {
    const timeoutMs = options.timeoutMs + this.section.waitMs;
    return super.ask(op, values, { ...options, timeoutMs, changed: this.changed }, parse);
  }
}

/** For requests whose reply says nothing but that the request was carried out. */
function nothing(): void {
  // The reply holds nothing to read.
}

/** A running agent. */
export class AgentClient extends Reader implements Host {
  /** Those of the transport are told by the pool. */
  readonly warnings: readonly string[] = [];
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(session: AgentSession, options: AgentOptions, system: SystemFacts) {
    const { address, fingerprint } = options;
    const shown = typeof fingerprint === "string" ? fingerprint : fingerprint(keysOf(system));
    super(session, address, shown, system);
  }

  /**
   * Sends the agent to a program that {@link agentCommand} made `perl -`, and waits until it answers hello. With a password,
   * the program is that of {@link agentCommandOnTerminal}.
   */
  static async start(program: RemoteProgram, options: AgentOptions): Promise<AgentClient> {
    const { doasPassword } = options;
    if (doasPassword !== undefined) {
      const refused = await unlock(program, doasPassword, options.helloTimeoutMs ?? 20_000);
      if (refused !== undefined) {
        program.close();
        const host = options.address;
        const during = "becoming root with doas on the host";
        throw doasRefusal({ host, during, reason: "", changed: "no", retriable: false }, refused);
      }
    }
    const { address, record, sshFolder, silenceMs } = options;
    const session = new AgentSession(program, address, options.lost);
    session.preface(agentProgram());
    const hello = {
      ...(record === undefined ? {} : { record: toBytes(record) }),
      ...(sshFolder === undefined ? {} : { sshFolder: toBytes(sshFolder) }),
      ...(silenceMs === undefined ? {} : { silenceMs }),
    };
    const during = "starting the agent on the host";
    const timeoutMs = options.helloTimeoutMs ?? 20_000;
    try {
      const system = systemFactsOf(await session.request("hello", hello, { during, timeoutMs }));
      session.keepAlive(options.pingMs ?? 10_000, options.pingTimes ?? 3);
      return new AgentClient(session, options, system);
    } catch (error) {
      session.close();
      if (HostError.isInstance(error)) throw startError(session, error, address);
      const details = {
        host: address,
        during,
        reason: reasonOf(error),
        changed: "no",
        next: MISUNDERSTOOD,
      } as const;
      throw new HostError("protocol", details);
    }
  }

  get counters(): Readonly<SessionCounters> {
    return this.session.counters;
  }

  onGone(listener: (reason: string) => void): void {
    this.session.onGone(listener);
  }

  close(): void {
    this.session.close();
  }

  change<T>(
    purpose: string,
    work: (host: HostWriter) => Promise<T>,
    waitMs = lockWaitMs,
  ): Promise<T> {
    return this.inTurn(() => this.section(purpose, () => Promise.resolve(), work, waitMs));
  }

  lookAndChange<T, S>(
    purpose: string,
    look: (host: HostReader) => Promise<S>,
    work: (host: HostWriter, seen: S) => Promise<T>,
  ): Promise<T> {
    return this.inTurn(() => this.section(purpose, look, work, lockWaitMs));
  }

  /** The agent has one section at a time, so those of this process wait for each other here. */
  private inTurn<T>(section: () => Promise<T>): Promise<T> {
    const result = this.queue.then(section);
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async section<T, S>(
    purpose: string,
    look: (host: HostReader) => Promise<S>,
    work: (host: HostWriter, seen: S) => Promise<T>,
    waitMs: number,
  ): Promise<T> {
    const token = randomBytes(16).toString("hex");
    const during = `waiting for the host's write lock (for: ${purpose})`;
    const values = { token, purpose: toBytes(purpose), from: toBytes(whoWeAre()), waitMs };
    const { session, address, fingerprint, system } = this;
    const section = new Section(token, waitMs);
    const writer = new Writer({ session, address, fingerprint, system }, section);
    const begun = session
      .request("begin", values, { during, timeoutMs: waitMs + slackMs })
      .then(() => (section.waitMs = 0));
    // The look's first requests wait on the host for the lock.
    const looking = look(writer);
    looking.catch(() => undefined);
    await begun;
    let hasFailed = true;
    try {
      const result = await work(writer, await looking);
      hasFailed = false;
      return result;
    } finally {
      // Who has failed waits for what is under way, and connections end with requests of their own; else the agent does
      // the last requests before it ends the section.
      if (hasFailed || section.connections.size > 0) await writer.quiet();
      // An error changes nothing: the agent also gives the lock back when its input ends.
      const ending = { during: "giving the host's write lock back", timeoutMs: fileMs };
      await session.request("end", { section: token }, ending).catch(() => undefined);
      await writer.quiet();
    }
  }
}

/** Names this process to others, who see it when they wait for the lock. */
function whoWeAre(): string {
  let user = "unknown";
  try {
    user = userInfo().username;
  } catch {
    // A user without an entry in the password database has no name; host and process are enough.
  }
  return `${user}@${hostname()} (process ${process.pid})`;
}
