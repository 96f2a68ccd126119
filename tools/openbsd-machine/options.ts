/** What may be said on the command line. */
import { join, resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { cacheFolder } from "../../testing/machine/folders";
import { type Accelerator, accelerators } from "./qemu";
import { defaultMirror } from "./download";
import { defaultRelease, knownReleases } from "./releases";

export const usage = `usage: npm run openbsd-machine -- make [OPTION ...]
       npm run openbsd-machine -- run [OPTION ...] [-- SUITE-OPTION ...]
       npm run openbsd-machine -- run [OPTION ...] -- COMMAND [ARGUMENT ...]

make installs OpenBSD/amd64 on a disk for QEMU, unattended, from the official media, which are verified first.
run starts that disk, runs the acceptance suite on it (npm run test:acceptance) or COMMAND, and stops it. What the
machine wrote meanwhile is thrown away. COMMAND finds it by OPENBSD_HOST, OPENBSD_PORT, OPENBSD_USER, OPENBSD_IDENTITY
and OPENBSD_KNOWN_HOSTS, or by \`ssh -F "$OPENBSD_SSH_CONFIG" openbsd\`.

  --release R         ${knownReleases().join(" or ")}, or another with --key (default: ${defaultRelease})
  --machine FOLDER    where the installed machine is (default: openbsd-machines/R in the cache folder)
  --accel A           ${accelerators.join(", ")} (default: the fastest that works here)
  --cpu MODEL         of QEMU (default: qemu64)
  --memory MB         (default: 1024)
  --qemu-arg=ARG      a further argument of QEMU for the installed machine; may be repeated

make only:
  --media FOLDER      the official media, downloaded or to be downloaded (default: openbsd-media/R in the cache folder)
  --mirror URL        where they are downloaded from (default: ${defaultMirror})
  --key FILE          the key of the release's base system: a file for signify(1), such as openbsd-78-base.pub
  --disk-size SIZE    (default: 20G; it grows to that as it is written to)

run only:
  --disk FILE         another disk than that of --machine, with
  --identity FILE     the private key of its root, and
  --host-key FILE     the public key of its sshd(8); without it, the key that answers first is trusted
  --port N            the port of 127.0.0.1 that leads to its sshd(8) (default: one that is free)
  --boot-seconds N    how long it may take until sshd(8) answers (default: 180, or 900 in software)
  --offline           the machine reaches no network
`;

/** The command was called in a wrong way. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** What both commands may be told. */
export interface CommonOptions {
  readonly release: string;
  readonly folder: string;
  readonly accelerator: Accelerator | undefined;
  readonly cpu: string;
  readonly memoryMb: number;
  readonly more: readonly string[];
}

/** How a machine is made. */
export interface MakeOptions extends CommonOptions {
  readonly command: "make";
  readonly media: string;
  readonly mirror: string;
  readonly keyFile: string | undefined;
  readonly diskSize: string;
}

/** How a machine is run. */
export interface RunOptions extends CommonOptions {
  readonly command: "run";
  readonly disk: string | undefined;
  readonly identity: string | undefined;
  readonly hostKeyFile: string | undefined;
  readonly port: number;
  readonly bootSeconds: number | undefined;
  readonly offline: boolean;
  /** A program with its arguments, or options of the acceptance suite, or nothing. */
  readonly rest: readonly string[];
}

const common = {
  release: { type: "string" },
  machine: { type: "string" },
  accel: { type: "string" },
  cpu: { type: "string" },
  memory: { type: "string" },
  "qemu-arg": { type: "string", multiple: true },
} as const;

const make = {
  ...common,
  media: { type: "string" },
  mirror: { type: "string" },
  key: { type: "string" },
  "disk-size": { type: "string" },
} as const;

const run = {
  ...common,
  disk: { type: "string" },
  identity: { type: "string" },
  "host-key": { type: "string" },
  port: { type: "string" },
  "boot-seconds": { type: "string" },
  offline: { type: "boolean" },
} as const;

/** Reads the command line. Throws a {@link UsageError} that says what is wrong with it. */
export function readOptions(argv: readonly string[]): MakeOptions | RunOptions {
  const [command, ...others] = argv;
  if (command === "make") return readMake(others);
  if (command === "run") return readRun(others);
  throw new UsageError(command === undefined ? "Say make or run." : `${command} is no command.`);
}

function readMake(argv: readonly string[]): MakeOptions {
  const values = parsed(argv, make);
  const options = readCommon(values);
  const size = values["disk-size"] ?? "20G";
  if (!/^[1-9]\d*[GT]$/.test(size))
    throw new UsageError(`--disk-size ${size}: a size is a number with G or T, such as 20G.`);
  return {
    ...options,
    command: "make",
    media: resolve(values.media ?? join(cacheFolder(), "openbsd-media", options.release)),
    mirror: values.mirror ?? defaultMirror,
    keyFile: values.key,
    diskSize: size,
  };
}

function readRun(argv: readonly string[]): RunOptions {
  const end = argv.indexOf("--");
  const values = parsed(end < 0 ? argv : argv.slice(0, end), run);
  if (values.disk === undefined && (values.identity ?? values["host-key"]) !== undefined)
    throw new UsageError("--identity and --host-key belong to --disk.");
  if (values.disk !== undefined && values.identity === undefined)
    throw new UsageError("--disk needs --identity: the private key of the machine's root.");
  return {
    ...readCommon(values),
    command: "run",
    disk: values.disk,
    identity: values.identity,
    hostKeyFile: values["host-key"],
    port: numberOf("--port", values.port, 1, 65_535) ?? 0,
    bootSeconds: numberOf("--boot-seconds", values["boot-seconds"], 1, 86_400),
    offline: values.offline ?? false,
    rest: end < 0 ? [] : argv.slice(end + 1),
  };
}

interface CommonValues {
  readonly release?: string | undefined;
  readonly machine?: string | undefined;
  readonly accel?: string | undefined;
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly "qemu-arg"?: string[] | undefined;
}

function readCommon(values: CommonValues): CommonOptions {
  const release = values.release ?? defaultRelease;
  if (!/^\d\.\d$/.test(release))
    throw new UsageError(`--release ${release}: a release is a number such as ${defaultRelease}.`);
  const accelerator = accelerators.find((name) => name === values.accel);
  if (values.accel !== undefined && accelerator === undefined)
    throw new UsageError(`--accel ${values.accel}: say one of ${accelerators.join(", ")}.`);
  return {
    release,
    folder: resolve(values.machine ?? join(cacheFolder(), "openbsd-machines", release)),
    accelerator,
    cpu: values.cpu ?? "qemu64",
    memoryMb: numberOf("--memory", values.memory, 256, 1_000_000) ?? 1024,
    more: values["qemu-arg"] ?? [],
  };
}

function parsed<T extends NonNullable<ParseArgsConfig["options"]>>(
  argv: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function numberOf(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(`${option} ${text}: it takes a number from ${least} to ${most}.`);
}
