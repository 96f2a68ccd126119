/** Names of packages (packages-specs(7)), and the choice of one of those that a repository offers. No I/O. */
import type { Platform } from "./platform";

export interface PackageName {
  readonly stem: string;
  readonly version: string;
  readonly flavors: readonly string[];
}

/** The properties that the user asks for. */
export interface WantedPackage {
  readonly version?: string;
  readonly flavors?: readonly string[];
  /** "stable", "snapshot", or an older stable series that ports keeps beside it, such as "stable35". */
  readonly branch?: string;
}

/** Splits `stem-version[-flavor…]`; the version is the first part that begins with a digit. */
export function parsePackage(name: string): PackageName | undefined {
  const match = /^(.*?)-(\d[^-]*)((?:-[^-]+)*)$/.exec(name.replace(/\.tgz$/, ""));
  if (!match) return undefined;
  const [, stem = "", version = "", flavors = ""] = match;
  return { stem, version, flavors: flavors.split("-").filter((flavor) => flavor !== "") };
}

/**
 * The flavor by which users ask for SASL by Dovecot. Every package has that built in (docs/openbsd.md 1.1), so it is no
 * flavor of the port.
 */
export const BUILT_IN = "dovecot";

/** The wanted flavors that are flavors of the port. */
export function flavorsOf(wanted: WantedPackage): readonly string[] {
  return [...new Set((wanted.flavors ?? []).filter((flavor) => flavor !== BUILT_IN))];
}

/** The wanted branch. */
export function branchOf({ branch = "stable" }: WantedPackage): string {
  return branch;
}

function sameFlavors(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((flavor) => right.includes(flavor));
}

/** The version of a snapshot of Postfix has a date in it: 2.7.20091209. */
function isSnapshot(version: string): boolean {
  return /\.\d{8}/.test(version);
}

/** The series that a version belongs to: "3.5" for 3.5.25p2. */
function seriesOf(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version;
}

/** Whether a package of this version can be of the branch. Any release of Postfix can be of "stable". */
export function mayBeOfBranch(version: string, branch: string): boolean {
  if (branch === "snapshot") return isSnapshot(version);
  const series = /^stable(\d)(\d+)$/.exec(branch);
  if (series) return seriesOf(version) === `${series[1]}.${series[2]}`;
  return !isSnapshot(version);
}

/** Whether an installed package has what is wanted. */
export function isWanted(name: string | undefined, wanted: WantedPackage): boolean {
  const found = name === undefined ? undefined : parsePackage(name);
  return (
    found !== undefined &&
    sameFlavors(found.flavors, flavorsOf(wanted)) &&
    (wanted.version !== undefined
      ? found.version === wanted.version
      : wanted.branch === undefined || mayBeOfBranch(found.version, wanted.branch))
  );
}

/** For messages: "postfix-3.5.25 with mysql, sasl2". */
export function describeWanted(wanted: WantedPackage): string {
  const flavors = flavorsOf(wanted);
  return `postfix${wanted.version === undefined ? "" : `-${wanted.version}`}${withFlavors(flavors)}`;
}

function withFlavors(flavors: readonly string[]): string {
  return flavors.length > 0 ? ` with ${flavors.join(", ")}` : "";
}

/** The chosen package, or why there is none and which argument that concerns. */
export type Choice =
  | {
      /** A full name, or a specification that pkg_add(1) resolves: `postfix--mysql%stable`. */
      readonly name: string;
      /** Packages of other branches with the same flavors, for a message to the user. */
      readonly others: readonly string[];
    }
  | NoChoice;

interface NoChoice {
  readonly reason: string;
  readonly path: "version" | "flavors" | "branch" | "packagePath";
}

/** A package that is on offer. */
interface Candidate {
  readonly name: string;
  readonly parsed: PackageName;
}

/** What the repositories offer, and how that was found out. */
export interface Offered {
  /** Full names of packages. */
  readonly names: readonly string[];
  /** What was asked and what came back, as a sentence without its full stop; for a message where nothing is offered. */
  readonly answers: string;
}

/**
 * Chooses the package that has exactly the wanted flavors and the wanted version, or else is the newest of the branch.
 * Where the repositories could not be asked (`undefined`), pkg_add(1) gets a specification, on releases where that is
 * unambiguous.
 */
export function choosePackage(
  offered: Offered | undefined,
  wanted: WantedPackage & { readonly packagePath?: string },
  platform: Platform,
): Choice {
  const flavors = flavorsOf(wanted);
  const packages = (offered?.names ?? [])
    .map((name) => ({ name, parsed: parsePackage(name) }))
    .filter((one): one is Candidate => one.parsed?.stem === "postfix");
  if (packages.length === 0) {
    if (offered === undefined && wanted.version === undefined && platform.packages.branches)
      return { name: `postfix--${flavors.join("-")}%${branchOf(wanted)}`, others: [] };
    return { path: "packagePath", reason: nothingOffered(offered, wanted.packagePath, platform) };
  }
  const all = packages
    .map(({ name }) => name)
    .sort()
    .join(", ");
  const flavored = packages.filter(({ parsed }) => sameFlavors(parsed.flavors, flavors));
  if (flavored.length === 0)
    return {
      path: "flavors",
      reason: `no package has exactly the flavors ${flavors.join(", ") || "(none)"}; the repository offers ${all}. Other combinations are built from ports: source: "ports".`,
    };
  return wanted.version === undefined
    ? newestOfBranch(branchOf(wanted), packages, flavored)
    : ofVersion(wanted.version, flavors, flavored, all);
}

function ofVersion(
  version: string,
  flavors: readonly string[],
  flavored: readonly Candidate[],
  all: string,
): Choice {
  const exact = flavored.find(({ parsed }) => parsed.version === version);
  if (exact) return { name: exact.name, others: [] };
  return {
    path: "version",
    reason: `there is no package of version ${version}${withFlavors(flavors)}; the repository offers ${all}.`,
  };
}

function newestOfBranch(
  branch: string,
  packages: readonly Candidate[],
  flavored: readonly Candidate[],
): Choice {
  const isOf = branchTest(branch, packages);
  const newest = flavored.filter(({ parsed }) => isOf(parsed.version)).sort(newestFirst)[0];
  if (!newest)
    return {
      path: "branch",
      reason: `the branch ${branch} has no package with these flavors; the repository offers ${flavored.map(({ name }) => name).join(", ")}. Choose one of them with \`branch\` or \`version\`.`,
    };
  const others = flavored.filter(({ parsed }) => !isOf(parsed.version)).sort(newestFirst);
  return { name: newest.name, others: [...new Set(others.map(({ name }) => name))] };
}

function newestFirst(left: Candidate, right: Candidate): number {
  return compareVersions(right.parsed.version, left.parsed.version);
}

/**
 * The name of a package does not tell its branch. Where a repository has several stable series, the newest comes from
 * mail/postfix/stable, and the others from folders such as stable35 (docs/openbsd.md 1.1).
 */
function branchTest(branch: string, packages: readonly Candidate[]): (version: string) => boolean {
  if (branch !== "stable") return (version) => mayBeOfBranch(version, branch);
  const released = packages.filter(({ parsed }) => !isSnapshot(parsed.version)).sort(newestFirst);
  const series = released[0] ? seriesOf(released[0].parsed.version) : "";
  return (version) => !isSnapshot(version) && seriesOf(version) === series;
}

function nothingOffered(
  offered: Offered | undefined,
  packagePath: string | undefined,
  { release, packages: { repositoryFile } }: Platform,
): string {
  const example = `ftp://MIRROR/pub/OpenBSD/${release}/packages/ARCH/`;
  const answers = offered === undefined ? "" : ` ${offered.answers}.`;
  if (packagePath !== undefined)
    return `no package of Postfix was found in ${packagePath}.${answers} It must be reachable from the host, and have the packages of this release, as ${example} on a mirror that still has it, or a folder of the host.`;
  return `the host names no package repository that offers postfix (${repositoryFile === "/etc/pkg.conf" ? "installpath in " : ""}${repositoryFile}).${answers} Set \`packagePath\` to one that does, in the format of PKG_PATH: ${example}, on a mirror that still has this release, or a folder of the host.`;
}

/** Orders versions as packages-specs(7) does, as far as versions of Postfix go: by their numbers, then by pN. */
export function compareVersions(left: string, right: string): number {
  const parts = (version: string): number[] => version.split(/[.p]|rc/).map(Number);
  const [a, b] = [parts(left), parts(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? -1) - (b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The elements of a PKG_PATH, between colons. Those of a URL do not count before its path begins: after its scheme, in the
 * name and the password of a user, and before its port (docs/openbsd.md 1.4).
 */
export function splitPackagePath(path: string): readonly string[] {
  const elements: string[] = [];
  for (let rest = path; rest !== "";) {
    const [whole = rest, element = ""] =
      /^((?:ftp|https?|scp):\/\/[^/]*\/[^:]*)(?::|$)/.exec(rest) ??
      /^((?:ftp|https?|scp):\/\/[^:/]*(?::\d+)?)(?::|$)/.exec(rest) ??
      /^(file:[^:]*)(?::|$)/.exec(rest) ??
      /^([^:]*)(?::|$)/.exec(rest) ??
      [];
    elements.push(element);
    rest = rest.slice(whole.length);
  }
  return elements.filter((element) => element !== "");
}

/**
 * The repositories that the `installpath` of /etc/pkg.conf names (pkg.conf(5)): `=` replaces and `+=` adds. A value is one
 * repository to its end, and a comment has a line to itself (docs/openbsd.md 1.4).
 */
export function installPaths(pkgConf: string): readonly string[] {
  let paths: string[] = [];
  for (const line of pkgConf.split("\n")) {
    const [, more, path] = /^\s*installpath\s*(\+?)=\s*(.*?)\s*$/i.exec(line) ?? [];
    if (path !== undefined) paths = [...(more === "+" ? paths : []), path];
  }
  return paths.filter((path) => path !== "");
}
