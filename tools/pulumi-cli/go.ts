import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Report, reason } from "./report";
import { type Environment, lastLine, run } from "./run";
import { formatVersion, isAtLeast, parseVersion, type Version } from "./version";
import { unzip } from "./zip";

/** What the `go` line of Pulumi's go.mod asks for. */
export const goNeeded: Version = [1, 25, 11];

/** The first Go that fetches a newer one itself (go.dev/doc/toolchain). */
const goWithToolchains: Version = [1, 21, 0];

/** Go as a Go module, by platform: SHA-256 of the archive that the module proxy serves. */
const toolchains: Readonly<Record<string, string | undefined>> = {
  "linux-x64": "dbf20d78a456c1a53fc52c06f1660851cb115be9b0807caf1abc4aedf8c77c1b",
};

/** A Go that can build the CLI. */
export interface Go {
  readonly program: string;
  /** Run `go` with these variables: they keep everything it writes in one folder. */
  readonly environment: Environment;
}

/**
 * Finds a Go that is new enough: the one on PATH, a newer one that it fetches itself, or the
 * toolchain from Go's module proxy. All that it writes goes to `folder`.
 */
export async function findGo(
  folder: string,
  environment: Environment,
  report: Report,
): Promise<Go> {
  const settings = goEnvironment(folder, environment);
  const { stdout } = await run("go", ["version"], { environment: settings });
  const onPath = parseVersion(stdout);
  if (onPath && isAtLeast(onPath, goNeeded)) return { program: "go", environment: settings };
  if (onPath && isAtLeast(onPath, goWithToolchains)) {
    report(`Go ${formatVersion(onPath)} on PATH fetches Go ${formatVersion(goNeeded)}`);
    return { program: "go", environment: { ...settings, GOTOOLCHAIN: "auto" } };
  }
  try {
    return { program: await fetchGo(folder, environment, report), environment: settings };
  } catch (error) {
    const has = onPath ? `there is Go ${formatVersion(onPath)} on PATH` : "there is no Go on PATH";
    throw new Error(
      `Go ${formatVersion(goNeeded)} or newer is needed: ${has}, and fetching one failed (${reason(error)})`,
      { cause: error },
    );
  }
}

/** Nothing of a build may end up in the home folder, where Go has its caches and its telemetry. */
function goEnvironment(folder: string, environment: Environment): Environment {
  const config =
    environment["XDG_CONFIG_HOME"] || join(environment["HOME"] || homedir(), ".config");
  return {
    ...environment,
    GOENV: environment["GOENV"] || join(config, "go/env"),
    // Go counts its runs in os.UserConfigDir()/go/telemetry; `go help env` has no variable for it.
    XDG_CONFIG_HOME: join(folder, "config"),
    GOPATH: join(folder, "path"),
    GOMODCACHE: join(folder, "modules"),
    GOCACHE: join(folder, "objects"),
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    // A static binary, with or without a C compiler on the machine.
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=mod -modcacherw -trimpath -buildvcs=false",
  };
}

async function fetchGo(folder: string, environment: Environment, report: Report): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const digest = toolchains[platform];
  if (digest === undefined) throw new Error(`none is known for ${platform}`);
  const target = join(folder, "go");
  const program = join(target, "bin/go");
  if (existsSync(program)) return program;
  const name = `v0.0.1-go${formatVersion(goNeeded)}.linux-amd64`;
  report(`fetching Go ${formatVersion(goNeeded)} from the module proxy (61 MB)`);
  const url = `${goProxy(environment)}/golang.org/toolchain/@v/${name}.zip`;
  const reply = await fetch(url, { signal: AbortSignal.timeout(600_000) });
  if (!reply.ok) throw new Error(`HTTP ${reply.status} for ${url}`);
  const archive = Buffer.from(await reply.arrayBuffer());
  const found = createHash("sha256").update(archive).digest("hex");
  if (found !== digest) throw new Error(`${url} has SHA-256 ${found}, expected ${digest}`);
  rmSync(target, { recursive: true, force: true });
  unzip(archive, `golang.org/toolchain@${name}/`, target);
  // Module archives carry no modes (golang.org/ref/mod#zip-files).
  const tools = join(target, "pkg/tool/linux_amd64");
  for (const tool of readdirSync(tools)) chmodSync(join(tools, tool), 0o755);
  chmodSync(program, 0o755);
  return program;
}

/** The first proxy of the list that $GOPROXY is (`go help goproxy`). */
export function goProxy(environment: Environment): string {
  const list = (environment["GOPROXY"] || "https://proxy.golang.org").split(/[,|]/);
  const proxy = list.find((entry) => /^https?:/.test(entry));
  if (proxy === undefined) throw new Error(`GOPROXY=${list.join(",")} names no proxy`);
  return proxy.replace(/\/+$/, "");
}

/** A program to build from a module. */
export interface GoProgram {
  readonly module: string;
  readonly moduleVersion: string;
  /** Package of the program, without the module's name. */
  readonly path: string;
}

/**
 * Builds a program to `output`. A throw-away module that requires the program's stands around it:
 * `go install` refuses modules whose go.mod has `replace` lines, as Pulumi's do.
 */
export async function goBuild(
  go: Go,
  program: GoProgram,
  work: string,
  output: string,
  report: Report,
): Promise<void> {
  mkdirSync(work, { recursive: true });
  const linked = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
  const flags = `-s -w -X ${linked}=${program.moduleVersion}`;
  const steps = [
    ["mod", "init", "tools"],
    ["mod", "edit", "-require", `${program.module}@${program.moduleVersion}`],
    // Without this line, `go` takes its own version for the module's and never fetches a newer one.
    ["mod", "edit", "-go", formatVersion(goNeeded)],
    ["build", "-v", "-ldflags", flags, "-o", output, `${program.module}/${program.path}`],
  ];
  for (const step of steps) {
    const ran = await run(go.program, step, {
      cwd: work,
      environment: go.environment,
      timeoutMs: 1_500_000,
      onLine: report,
    });
    if (ran.code !== 0) throw new Error(`go ${step[0]} ${program.path}: ${lastLine(ran.stderr)}`);
  }
}
