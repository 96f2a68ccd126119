/** Names of packages (packages-specs(7)), and which of those on offer is meant. Pure. */
import type { Platform } from "./platform";

export interface PackageName {
  readonly stem: string;
  readonly version: string;
  readonly flavors: readonly string[];
}

/** What is wanted of the package. */
export interface WantedPackage {
  readonly version?: string;
  readonly flavors?: readonly string[];
  /** "stable", "snapshot", or an older stable series that is kept beside it, such as "stable35". */
  readonly branch?: string;
}

/** `stem-version[-flavor…]`: the version is the first part that begins with a digit. */
export function parsePackage(name: string): PackageName | undefined {
  const match = /^(.*?)-(\d[^-]*)((?:-[^-]+)*)$/.exec(name.replace(/\.tgz$/, ""));
  if (!match) return undefined;
  const [, stem = "", version = "", flavors = ""] = match;
  return { stem, version, flavors: flavors.split("-").filter((flavor) => flavor !== "") };
}

/** SASL by Dovecot is built into every package, and no flavor (openbsd.md 1.1): to ask for it changes nothing. */
export const BUILT_IN = "dovecot";

/** The flavors of the port that are asked for. */
export function flavorsOf(wanted: WantedPackage): readonly string[] {
  return [...new Set((wanted.flavors ?? []).filter((flavor) => flavor !== BUILT_IN))];
}

function sameFlavors(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((flavor) => right.includes(flavor));
}

/** A snapshot of Postfix carries its date: 2.7.20091209. */
function isSnapshot(version: string): boolean {
  return /\.\d{8}/.test(version);
}

/** The series of a version: "3.5" of 3.5.25p2. */
function seriesOf(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version;
}

/** Can a package of this version be of the branch? Of "stable", any release of Postfix can. */
export function mayBeOfBranch(version: string, branch: string): boolean {
  if (branch === "snapshot") return isSnapshot(version);
  const series = /^stable(\d)(\d+)$/.exec(branch);
  if (series) return seriesOf(version) === `${series[1]}.${series[2]}`;
  return !isSnapshot(version);
}

/** Is what is installed what the arguments ask for? */
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

export function describeWanted(wanted: WantedPackage): string {
  const flavors = flavorsOf(wanted);
  return `postfix${wanted.version === undefined ? "" : `-${wanted.version}`}${flavors.length > 0 ? ` with ${flavors.join(", ")}` : ""}`;
}

export type Choice =
  | {
      /** A package's full name, or a specification that pkg_add resolves itself: `postfix--mysql%stable`. */
      readonly name: string;
      /** Of other branches, with the same flavors: named to the user, so that nothing is chosen in silence. */
      readonly others: readonly string[];
    }
  | { readonly reason: string; readonly path: "version" | "flavors" | "branch" | "packagePath" };

/**
 * The one package that is meant, of all that the repository offers: exact in its flavors, of the branch, and where no
 * version is asked for, the newest of the branch. Where nothing could be listed, pkg_add is given a name that it
 * resolves itself, on releases where that is unambiguous.
 */
export function choosePackage(
  offered: readonly string[] | undefined,
  wanted: WantedPackage,
  platform: Platform,
): Choice {
  const flavors = flavorsOf(wanted);
  const branch = wanted.branch ?? "stable";
  const packages = (offered ?? [])
    .map((name) => ({ name, parsed: parsePackage(name) }))
    .filter((one): one is Offered => one.parsed?.stem === "postfix");
  if (packages.length === 0) {
    if (wanted.version === undefined && platform.packages.branches)
      return { name: `postfix--${flavors.join("-")}%${branch}`, others: [] };
    return { path: "packagePath", reason: nothingOffered(platform) };
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
  if (wanted.version !== undefined) {
    const exact = flavored.find(({ parsed }) => parsed.version === wanted.version);
    if (exact) return { name: exact.name, others: [] };
    return {
      path: "version",
      reason: `there is no package of version ${wanted.version}${flavors.length > 0 ? ` with ${flavors.join(", ")}` : ""}; the repository offers ${all}.`,
    };
  }
  const isOf = branchTest(branch, packages);
  const newest = flavored.filter(({ parsed }) => isOf(parsed.version)).sort(newestFirst)[0];
  if (!newest)
    return {
      path: "branch",
      reason: `the branch ${branch} has no such package; with these flavors the repository offers ${flavored.map(({ name }) => name).join(", ")}. Say which by \`branch\` or \`version\`.`,
    };
  const others = flavored.filter(({ parsed }) => !isOf(parsed.version)).sort(newestFirst);
  return { name: newest.name, others: [...new Set(others.map(({ name }) => name))] };
}

interface Offered {
  readonly name: string;
  readonly parsed: PackageName;
}

function newestFirst(left: Offered, right: Offered): number {
  return compareVersions(right.parsed.version, left.parsed.version);
}

/**
 * Names do not say their branch. Of several stable series in one repository the newest is mail/postfix/stable; the
 * older ones have folders of their own, such as stable35 (openbsd.md 1.1).
 */
function branchTest(branch: string, packages: readonly Offered[]): (version: string) => boolean {
  if (branch !== "stable") return (version) => mayBeOfBranch(version, branch);
  const released = packages.filter(({ parsed }) => !isSnapshot(parsed.version)).sort(newestFirst);
  const series = released[0] ? seriesOf(released[0].parsed.version) : "";
  return (version) => !isSnapshot(version) && seriesOf(version) === series;
}

function nothingOffered(platform: Platform): string {
  const example = `ftp://MIRROR/pub/OpenBSD/${platform.release}/packages/ARCH/`;
  return platform.packages.defaultRepository
    ? "the host's package repository offers no postfix (see /etc/installurl). Say where its packages are with `packagePath`, as PKG_PATH has it."
    : `the host names no package repository that offers postfix (installpath in /etc/pkg.conf). Say where its packages are with \`packagePath\`, as PKG_PATH has it: ${example}, on a mirror that still has this release, or a folder of the host.`;
}

/** Versions as packages-specs(7) orders them, as far as Postfix uses it: numbers, then pN. */
export function compareVersions(left: string, right: string): number {
  const parts = (version: string): number[] => version.split(/[.p]|rc/).map(Number);
  const [a, b] = [parts(left), parts(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? -1) - (b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The elements of a PKG_PATH: colon separated, where a colon may also end a URL's scheme or begin its port. */
export function splitPackagePath(path: string): readonly string[] {
  const elements: string[] = [];
  for (const part of path.split(":")) {
    const last = elements.at(-1) ?? "";
    const goesOn =
      (/^(ftp|https?|file|scp)$/.test(last) && part.startsWith("/")) ||
      (/^[a-z]+:\/\/[^/]*$/.test(last) && /^\d+(\/|$)/.test(part));
    if (goesOn) elements[elements.length - 1] = `${last}:${part}`;
    else elements.push(part);
  }
  return elements.filter((element) => element !== "");
}

/**
 * What /etc/pkg.conf names as `installpath` (pkg.conf(5)): `=` begins anew, `+=` adds. `undefined` where it names
 * nothing.
 */
export function installPath(pkgConf: string): string | undefined {
  let path: string[] = [];
  for (const line of pkgConf.split("\n")) {
    const match = /^\s*installpath\s*(\+?)=\s*(.*?)\s*$/i.exec(line.replace(/#.*/, ""));
    if (match) path = [...(match[1] === "+" ? path : []), ...(match[2] ?? "").split(/\s+/)];
  }
  return path.join(":") || undefined;
}
