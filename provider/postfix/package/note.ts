/** The note of the package in the record: enough to go on after an interrupted run, and to undo the installation. */
import type { HostRecord, Json, KeyEntry, SavedFile } from "../../host/record";

/** The key of the package. */
export const PACKAGE_KEY = "package:postfix";

/** The key by which a resource says that it uses a package that another stack owns. */
export function usesKey(urn: string): string {
  return `${PACKAGE_KEY}@${urn}`;
}

/** The URNs of the resources that use the package without owning it. */
export function usersOf(record: HostRecord): string[] {
  return Object.entries(record.keys)
    .filter(([key]) => key.startsWith(usesKey("")))
    .map(([, entry]) => entry.owner.urn);
}

type PackageSource = "packages" | "ports";

export interface PackageNote {
  /** The host's release when the package was last installed or replaced. */
  readonly release?: string;
  /** Where the package was installed from; nothing for one that was there before. */
  readonly source?: PackageSource;
  /** The branch of the port that the package is from: its name does not say that. */
  readonly branch?: string;
  /** Other packages that were installed with it: its dependencies, and what a build needed. */
  readonly came?: readonly string[];
  /** What a build changed in the ports tree. */
  readonly ports?: PortsNote;
  /** The user's word that mail in the queue may go with the package. */
  readonly discardQueue?: true;
  /** What is under way, from before the first change until after the last: an interrupted run is finished by it. */
  readonly under?: UnderWay;
}

export interface UnderWay {
  /** All packages that were installed before the first change. */
  readonly packages: readonly string[];
  /** Where the package comes from; noted when it is about to be installed. */
  readonly source?: PackageSource;
  readonly branch?: string;
  /** pkg_add has ended by itself since, and has left no package in part. */
  readonly ended?: boolean;
  /** What was built for the former release has been cleaned away. */
  readonly cleaned?: true;
  /** Postfix was stopped for this, and is to be started again. */
  readonly restart?: true;
  /** Postfix's configuration from before the replacement, with the version of the package that was replaced. */
  readonly kept?: {
    readonly version: string;
    readonly files: Readonly<Record<string, NonNullable<SavedFile>>>;
  };
}

export interface PortsNote {
  /** Folders that were there before the first build. */
  readonly folders: readonly string[];
  /** Files that builds have written outside their work folders. */
  readonly made: readonly string[];
  /** What was built: the port's folder, and its flavors. */
  readonly built: readonly { readonly folder: string; readonly flavors: readonly string[] }[];
  /** When the build that runs now, or the last one, began: milliseconds since 1970 by the clock of the machine that runs Pulumi. */
  readonly started: number;
}

/** Has pkg_add been started, and nobody has seen it end? Then it may have been cut off anywhere (docs/openbsd.md 1.3). */
export function isCut({ under }: PackageNote): boolean {
  return under?.source !== undefined && under.ended !== true;
}

/** The note that the entry of {@link PACKAGE_KEY} holds; empty without an entry. */
export function noteOf(entry: KeyEntry | undefined): PackageNote {
  return (entry?.applied ?? {}) as unknown as PackageNote;
}

export function notedIn(record: HostRecord): PackageNote {
  return noteOf(record.keys[PACKAGE_KEY]);
}

export function asJson(note: PackageNote): Json {
  return JSON.parse(JSON.stringify(note)) as Json;
}
