/** What the record notes of the package besides what was there before it: enough to go on after a cut, and to undo. */
import type { HostRecord, Json, KeyEntry, SavedFile } from "../../host/record";

/** The key under which the package is owned. */
export const PACKAGE_KEY = "package:postfix";

/** Says that a resource of another stack than the package's owner uses it as it is. */
export function usesKey(urn: string): string {
  return `${PACKAGE_KEY}@${urn}`;
}

/** Those who use the package without owning it. */
export function usersOf(record: HostRecord): string[] {
  return Object.entries(record.keys)
    .filter(([key]) => key.startsWith(usesKey("")))
    .map(([, entry]) => entry.owner.urn);
}

export type PackageSource = "packages" | "ports";

export interface PackageNote {
  /** The release of the host for which the package was last seen to. */
  readonly release?: string;
  /** Where we took it from; nothing for a package that was there before us. */
  readonly source?: PackageSource;
  /** The branch that it was taken from, which its name does not say. */
  readonly branch?: string;
  /** Packages that came along with it: dependencies, and what a build needed. */
  readonly came?: readonly string[];
  /** What a build changed in the ports tree. */
  readonly ports?: PortsNote;
  /** Set from before the first change until the last: who finds it goes on from there. */
  readonly under?: UnderWay;
}

export interface UnderWay {
  /** All packages that were installed when it began. */
  readonly packages: readonly string[];
  /** Where the package comes from, once it is about to be put there. */
  readonly source?: PackageSource;
  readonly branch?: string;
  /** What was built for the former release has been cleaned away. */
  readonly cleaned?: true;
  /** Postfix ran when it was stopped for this, so it is started again. */
  readonly restart?: true;
  /** Postfix's configuration as it was when the package was about to be replaced, with the version of that package. */
  readonly kept?: {
    readonly version: string;
    readonly files: Readonly<Record<string, NonNullable<SavedFile>>>;
  };
}

export interface PortsNote {
  /** Folders that were there before the first build. */
  readonly folders: readonly string[];
  /** Files that builds have made outside their work folders. */
  readonly made: readonly string[];
  /** What was built: the port's folder, and its flavors. */
  readonly built: readonly { readonly folder: string; readonly flavors: readonly string[] }[];
  /** When the build that runs now, or the last one, began: milliseconds of our clock. */
  readonly started: number;
}

/** The note of a record's entry; empty for none. */
export function noteOf(entry: KeyEntry | undefined): PackageNote {
  return (entry?.applied ?? {}) as unknown as PackageNote;
}

export function notedIn(record: HostRecord): PackageNote {
  return noteOf(record.keys[PACKAGE_KEY]);
}

export function asJson(note: PackageNote): Json {
  return JSON.parse(JSON.stringify(note)) as Json;
}
