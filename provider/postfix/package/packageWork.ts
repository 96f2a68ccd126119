/** What every part of installing, replacing and removing the package needs: the arguments, the platform and the note. */
import type { ActContext } from "../../contract/kind";
import type { WantedPackage } from "../../openbsd/packages";
import { asJson, notedIn, PACKAGE_KEY, type PackageNote, type UnderWay } from "./note";

/** The arguments of PostfixPackage, as far as they change what is done to the host. */
export interface InstallArgs extends WantedPackage {
  readonly source?: "packages" | "ports";
  readonly packagePath?: string;
  readonly lockTimeout?: number;
  readonly discardQueue?: boolean;
}

/** The context of an action, with the note of the package at hand. */
export interface PackageWork extends Pick<ActContext, "platform" | "progress" | "warn"> {
  readonly note: () => PackageNote;
  readonly setNote: (note: PackageNote) => Promise<void>;
}

export function packageWork(context: ActContext): PackageWork {
  return {
    platform: context.platform,
    progress: context.progress,
    warn: context.warn,
    note: () => notedIn(context.record),
    setNote: (note: PackageNote) => context.note(PACKAGE_KEY, asJson(note)),
  };
}

/** Adds to what the note says of the change that is under way. */
export async function noteUnderWay(work: PackageWork, change: Partial<UnderWay>): Promise<void> {
  const note = work.note();
  await work.setNote({ ...note, under: { packages: [], ...note.under, ...change } });
}
