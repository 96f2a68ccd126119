/** The ports tree (ports(7), bsd.port.mk(5)): what must be there, what a build is called, and how it reads. Pure. */
import { type WantedPackage, flavorsOf, parsePackage } from "./packages";
import type { Platform } from "./platform";

export const PORTS = "/usr/ports";

/** Without these there is no tree to build from, and nothing to build with (docs/openbsd.md 1.6). */
export const INFRASTRUCTURE = `${PORTS}/infrastructure/mk/bsd.port.mk`;
export const COMPILER = "/usr/bin/cc";
/** The folder of all branches of the port. */
export const POSTFIX_PORTS = `${PORTS}/mail/postfix`;

/** Where a build leaves things besides its work folder, unless mk.conf(5) says otherwise. */
export const RESULT_FOLDERS = ["packages", "distfiles", "plist", "bulk", "update"].map(
  (name) => `${PORTS}/${name}`,
);

/** The folder of the port that is wanted. */
export function portFolder({ branch = "stable" }: WantedPackage): string {
  return `${POSTFIX_PORTS}/${branch}`;
}

/** What the host has to build with. */
export interface PortsSight {
  readonly tree: boolean;
  readonly compiler: boolean;
  /** Branches of the port in the tree. */
  readonly branches: readonly string[];
  /** `make show=FLAVORS`, in the port's order; `undefined` where it was not asked or did not answer. */
  readonly flavors?: readonly string[];
  /** `make show=FULLPKGNAME` without a flavor. */
  readonly fullName?: string;
  /** What make said instead of an answer. */
  readonly complaint?: string;
}

export interface PortsProblem {
  readonly path: string;
  readonly reason: string;
}

/** Why the port cannot be built on this host, with what helps; `undefined` when it can. */
export function portsProblem(
  sight: PortsSight,
  wanted: WantedPackage,
  platform: Platform,
  machine: string,
): PortsProblem | undefined {
  const { release } = platform;
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
  const branch = wanted.branch ?? "stable";
  if (!sight.branches.includes(branch))
    return {
      path: "branch",
      reason: `the ports tree has no ${POSTFIX_PORTS}/${branch}; it has ${sight.branches.join(", ") || "no port of Postfix"}.`,
    };
  if (sight.flavors === undefined || sight.fullName === undefined)
    return {
      path: "source",
      reason: `\`make show=FLAVORS\` in ${portFolder(wanted)} gives no answer: ${sight.complaint ?? "it says nothing"}.`,
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
      reason: `the ports tree builds postfix-${version ?? "?"} in ${portFolder(wanted)}. Update the tree, or leave \`version\` out.`,
    };
  return undefined;
}

/** What the build will be called: the flavors stand in the port's order, not in that of the request. */
export function builtName(sight: PortsSight, wanted: WantedPackage): string | undefined {
  if (sight.fullName === undefined || sight.flavors === undefined) return undefined;
  const asked = flavorsOf(wanted);
  return [sight.fullName, ...sight.flavors.filter((flavor) => asked.includes(flavor))].join("-");
}

/** Arguments that build, or clean up after it: FLAVOR must come from the environment (bsd.port.mk(5)). */
export function portsMake(flavors: readonly string[], target: string): readonly string[] {
  return ["/usr/bin/env", `FLAVOR=${flavors.join(" ")}`, "/usr/bin/make", target];
}

/** Where a build stands, by the end of its log: its phase, and the last line. */
export function buildStage(log: string): { readonly phase: string; readonly line: string } {
  const lines = log
    .split(/[\r\n]+/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  const phase = lines.filter((line) => line.startsWith("===>")).at(-1);
  return { phase: (phase ?? "").replace(/^===>\s*/, ""), line: lines.at(-1) ?? "" };
}

/** A duration as a person says it: 45 s, 12 min 3 s, 2 h 5 min. */
export function inWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One line on a build that goes on. */
export function describeBuild(name: string, log: string, elapsedMs: number): string {
  const { phase, line } = buildStage(log);
  const where = phase === "" ? `building ${name}` : phase;
  const last = line === "" || line.includes(phase) ? "" : `: ${line.slice(0, 100)}`;
  return `${where} (${inWords(elapsedMs)})${last}`;
}
