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
  readonly branch?: "stable" | "snapshot";
}

/** `stem-version[-flavor…]`: the version is the first part that begins with a digit. */
export function parsePackage(name: string): PackageName | undefined {
  const match = /^(.*?)-(\d[^-]*)((?:-[^-]+)*)$/.exec(name.replace(/\.tgz$/, ""));
  if (!match) return undefined;
  const [, stem = "", version = "", flavors = ""] = match;
  return { stem, version, flavors: flavors.split("-").filter((flavor) => flavor !== "") };
}

/** A snapshot of Postfix carries its date: 2.7.20091209. */
function isSnapshot(version: string): boolean {
  return /\.\d{8}/.test(version);
}

export function describeWanted(wanted: WantedPackage): string {
  const flavors = wanted.flavors ?? [];
  return `postfix${wanted.version === undefined ? "" : `-${wanted.version}`}${flavors.length > 0 ? ` with ${flavors.join(", ")}` : ""}`;
}

export type Choice =
  | { readonly name: string }
  | { readonly reason: string; readonly path: "version" | "flavors" | "packagePath" };

/**
 * The one package that is meant, of all that the repository offers: exact in its flavors, of the branch, and where no
 * version is asked for, the newest. `undefined` for what could not be listed: then pkg_add is given a name that it
 * resolves itself, on releases where that is unambiguous.
 */
export function choosePackage(
  offered: readonly string[] | undefined,
  wanted: WantedPackage,
  platform: Platform,
): Choice {
  const flavors = wanted.flavors ?? [];
  const branch = wanted.branch ?? "stable";
  const packages = (offered ?? [])
    .map((name) => ({ name, parsed: parsePackage(name) }))
    .filter((one): one is { name: string; parsed: PackageName } => one.parsed?.stem === "postfix");
  if (packages.length === 0) {
    if (wanted.version === undefined && platform.packages.branches)
      return { name: `postfix--${flavors.join("-")}%${branch}` };
    return {
      path: "packagePath",
      reason:
        `the host's package repository offers no postfix${platform.packages.defaultRepository ? " (see /etc/installurl)" : ""}. ` +
        "Say where its packages are with `packagePath`, as PKG_PATH has it.",
    };
  }
  const all = packages
    .map(({ name }) => name)
    .sort()
    .join(", ");
  const flavored = packages.filter(
    ({ parsed }) =>
      parsed.flavors.length === flavors.length &&
      flavors.every((flavor) => parsed.flavors.includes(flavor)),
  );
  if (flavored.length === 0)
    return {
      path: "flavors",
      reason: `no package has exactly the flavors ${flavors.join(", ") || "(none)"}; the repository offers ${all}. Other combinations are built from ports.`,
    };
  const versioned = flavored.filter(({ parsed }) =>
    wanted.version === undefined
      ? isSnapshot(parsed.version) === (branch === "snapshot")
      : parsed.version === wanted.version,
  );
  const newest = versioned.sort((left, right) =>
    compareVersions(right.parsed.version, left.parsed.version),
  )[0];
  if (!newest)
    return {
      path: "version",
      reason: `no package postfix-${wanted.version ?? branch}; the repository offers ${all}.`,
    };
  return { name: newest.name };
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
