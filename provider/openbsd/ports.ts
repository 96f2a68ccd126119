/** The ports tree (ports(7), bsd.port.mk(5)): what a build needs, what it makes, and how its log reads. No I/O. */
import { branchOf, flavorsOf, parsePackage, type WantedPackage } from "./packages";
import type { Platform } from "./platform";

export const PORTS = "/usr/ports";

/** This file is there when the ports tree is (docs/openbsd.md 1.6). */
export const INFRASTRUCTURE = `${PORTS}/infrastructure/mk/bsd.port.mk`;
/** This program is there when the set comp is installed (docs/openbsd.md 1.6). */
export const COMPILER = "/usr/bin/cc";
/** The folder that has a folder for each branch of the port. */
export const POSTFIX_PORTS = `${PORTS}/mail/postfix`;

/** Where a build leaves files besides its work folder, unless mk.conf(5) names other folders. */
export const RESULT_FOLDERS = ["packages", "distfiles", "plist", "bulk", "update"].map(
  (name) => `${PORTS}/${name}`,
);

/** The folder of the wanted branch. */
export function portFolder(wanted: WantedPackage): string {
  return `${POSTFIX_PORTS}/${branchOf(wanted)}`;
}

/** What a host has for a build. */
export interface PortsSight {
  /** Whether {@link INFRASTRUCTURE} is there. */
  readonly tree: boolean;
  /** Whether {@link COMPILER} is there. */
  readonly compiler: boolean;
  /** Branches of the port in the tree. */
  readonly branches: readonly string[];
  /** The output of `make show=FLAVORS`, in the port's order; `undefined` when make was not run, or failed. */
  readonly flavors?: readonly string[];
  /** The output of `make show=FULLPKGNAME` without a flavor. */
  readonly fullName?: string;
  /** The error output of a make that failed. */
  readonly complaint?: string;
}

/** Why the port cannot be built, and the argument that this concerns. */
export interface PortsProblem {
  readonly path: string;
  readonly reason: string;
}

/** Why the port cannot be built on this host, and what to do about it; `undefined` when it can. */
export function portsProblem(
  sight: PortsSight,
  wanted: WantedPackage,
  platform: Platform,
  machine: string,
): PortsProblem | undefined {
  return missingTools(sight, platform.release, machine) ?? missingPort(sight, wanted);
}

function missingTools(
  sight: PortsSight,
  release: string,
  machine: string,
): PortsProblem | undefined {
  const tag = `OPENBSD_${release.replace(".", "_")}`;
  const set = `comp${release.replace(".", "")}.tgz`;
  const mirror = `pub/OpenBSD/${release}`;
  if (!sight.tree)
    return {
      path: "source",
      reason: `there is no ports tree in ${PORTS}. Fetch ${mirror}/ports.tar.gz from a mirror that has this release and unpack it (tar xzf ports.tar.gz -C /usr), or check it out by anoncvs: cd /usr && cvs -d anoncvs@SERVER:/cvs checkout -P -r${tag} ports.`,
    };
  if (!sight.compiler)
    return {
      path: "source",
      reason: `there is no compiler (${COMPILER}): the set comp is not installed. Fetch ${mirror}/${machine}/${set} from a mirror that has this release, and unpack it as root: tar xzphf ${set} -C /.`,
    };
  return undefined;
}

function missingPort(sight: PortsSight, wanted: WantedPackage): PortsProblem | undefined {
  const folder = portFolder(wanted);
  if (!sight.branches.includes(branchOf(wanted)))
    return {
      path: "branch",
      reason: `the ports tree has no ${folder}; it has ${sight.branches.join(", ") || "no port of Postfix"}.`,
    };
  if (sight.flavors === undefined || sight.fullName === undefined)
    return {
      path: "source",
      reason: `\`make show=FLAVORS\` in ${folder} gives no answer: ${sight.complaint ?? "it has no output"}.`,
    };
  const unknown = flavorsOf(wanted).find((flavor) => !sight.flavors?.includes(flavor));
  if (unknown !== undefined)
    return {
      path: `flavors[${wanted.flavors?.indexOf(unknown) ?? 0}]`,
      reason: `the port has no flavor "${unknown}"; \`make show=FLAVORS\` names ${sight.flavors.join(", ")}.`,
    };
  const version = parsePackage(sight.fullName)?.version;
  if (wanted.version !== undefined && wanted.version !== version)
    return {
      path: "version",
      reason: `the ports tree builds postfix-${version ?? "?"} in ${folder}. Update the tree, or leave \`version\` out.`,
    };
  return undefined;
}

/** The full name of the package that the build makes, with the flavors in the port's order. */
export function builtName(sight: PortsSight, wanted: WantedPackage): string | undefined {
  if (sight.fullName === undefined || sight.flavors === undefined) return undefined;
  const asked = flavorsOf(wanted);
  return [sight.fullName, ...sight.flavors.filter((flavor) => asked.includes(flavor))].join("-");
}

/** A run of make on the port. FLAVOR must come from the environment (bsd.port.mk(5)). */
export function portsMake(flavors: readonly string[], target: string): readonly string[] {
  return ["/usr/bin/env", `FLAVOR=${flavors.join(" ")}`, "/usr/bin/make", target];
}

/** How far a build is, by the end of its log: its phase, and the last line. */
export function buildStage(log: string): { readonly phase: string; readonly line: string } {
  const lines = log
    .split(/[\r\n]+/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  const phase = lines.filter((line) => line.startsWith("===>")).at(-1);
  return { phase: (phase ?? "").replace(/^===>\s*/, ""), line: lines.at(-1) ?? "" };
}

/** A duration for messages: "45 s", "12 min 3 s", "2 h 5 min". */
export function inWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One line of progress for a running build. */
export function describeBuild(name: string, log: string, elapsedMs: number): string {
  const { phase, line } = buildStage(log);
  const where = phase === "" ? `building ${name}` : phase;
  const last = line === "" || line.includes(phase) ? "" : `: ${line.slice(0, 100)}`;
  return `${where} (${inWords(elapsedMs)})${last}`;
}
