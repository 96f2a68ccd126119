/** The command line of test hosts, `npm run --silent host -- …`: starts, lists, enters and stops hosts. */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { type Release, releases } from "../image/releases";
import { type Extra, extraNames } from "../image/stages";
import { enterArgv } from "../machine/namespaces";
import { isAlive } from "../machine/processes";
import { signalNumber } from "../machine/runProgram";
import { type HostRecord, readRecord } from "./hostRecord";
import { launchHost, listHosts, stopHost } from "./lifecycle";
import { attachHost, hostEnvironment, type TestHost } from "./testHost";

const usage = `usage: host start [--release RELEASE] [--latency-ms N] [--extras NAME,...]
       host exec ID -- PROGRAM [ARGUMENT ...]
       host reboot ID
       host upgrade ID --release RELEASE
       host list
       host stop ID | --all

RELEASE is any of OpenBSD from ${releases[0]} to ${releases.at(-1)}.
`;

/** Thrown if the command was called in a wrong way. The usage is printed below its message. */
class UsageError extends Error {}

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...args] = argv;
  switch (command) {
    case "start":
      return start(args);
    case "exec":
      return exec(args);
    case "list":
      for (const { id, state, record } of listHosts()) print({ id, state, ...shown(record) });
      return 0;
    case "reboot":
      await hostNamed(args[0]).reboot();
      return 0;
    case "upgrade":
      return upgrade(args);
    case "stop":
      return stop(args);
    case undefined:
    default:
      throw new UsageError(command === undefined ? "" : `no command ${command}`);
  }
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** The part of a host's record that users of the host need. */
function shown(record: HostRecord | undefined): object {
  if (record === undefined) return {};
  const { id, release, host, port, user, privateKeyPath, hostKey, knownHostsPath, root } = record;
  return { id, release, host, port, user, privateKeyPath, hostKey, knownHostsPath, root };
}

/** The host that an argument names. */
function hostNamed(id: string | undefined): TestHost {
  if (id === undefined) throw new UsageError("");
  return attachHost(id);
}

async function upgrade(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, { release: "string" });
  const { release } = values;
  if (!isRelease(release)) throw new UsageError(`no release ${String(release)}`);
  const host = hostNamed(positionals[0]);
  await host.upgrade(release);
  print(shown(readRecord(host.id)));
  return 0;
}

async function start(args: readonly string[]): Promise<number> {
  const { values } = parse(args, { release: "string", "latency-ms": "string", extras: "string" });
  const { release = "7.8", "latency-ms": latency = "0" } = values;
  if (!isRelease(release)) throw new UsageError(`no release ${String(release)}`);
  if (!/^\d+$/.test(String(latency))) throw new UsageError("--latency-ms takes a whole number");
  const { extras: named = "" } = values;
  const extras = typeof named === "string" && named !== "" ? named.split(",") : [];
  if (!extras.every(isExtra)) throw new UsageError(`extras are any of ${extraNames.join(", ")}`);
  const record = await launchHost({ release, latencyMs: Number(latency), extras }, false);
  process.stderr.write(`host ${record.id} (OpenBSD ${release}) is up after ${record.upMs} ms\n`);
  print(shown(record));
  return 0;
}

function isRelease(text: unknown): text is Release {
  return releases.some((release) => release === text);
}

function isExtra(text: string): text is Extra {
  return extraNames.some((name) => name === text);
}

function exec(args: readonly string[]): Promise<number> {
  const [id, separator, ...program] = args;
  if (id === undefined || separator !== "--" || program.length === 0) throw new UsageError("");
  const record = readRecord(id);
  if (record === undefined || !isAlive(record.init)) throw new Error(`there is no host ${id}`);
  const [command = "", ...rest] = enterArgv(record.init.pid, program);
  const { TERM = "dumb" } = process.env;
  const child = spawn(command, rest, { stdio: "inherit", env: { ...hostEnvironment, TERM } });
  // The terminal sends Ctrl-C to both processes. Only the program on the host shall react to it.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
  });
}

async function stop(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, { all: "boolean" });
  const known = listHosts().map(({ id }) => id);
  const ids = values["all"] === true ? known : positionals;
  if (ids.length === 0 && values["all"] !== true) throw new UsageError("");
  for (const id of ids) {
    if (!known.includes(id)) throw new Error(`there is no host ${id}`);
    await stopHost(id);
  }
  return 0;
}

function parse(
  args: readonly string[],
  types: Readonly<Record<string, "string" | "boolean">>,
): { values: Partial<Record<string, unknown>>; positionals: string[] } {
  const options = Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }]));
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

main(process.argv.slice(2))
  .then((code) => {
    process.exitCode = code;
  })
  .catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(error instanceof UsageError ? `${message}\n${usage}` : `${message}\n`);
    process.exitCode = error instanceof UsageError ? 64 : 1;
  });
