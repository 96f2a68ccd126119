/**
 * Postfix's main.cf and master.cf around a replacement of the package: its install hook edits them (docs/openbsd.md 2.2),
 * which is wanted for another version of Postfix only.
 */
import { contentsOf, type HostReader, type HostWriter } from "../../host/host";
import { file, Look, lookAt } from "../../host/look";
import { savedContents, savedFile, type SavedFile } from "../../host/record";
import { parsePackage } from "../../openbsd/packages";
import { MAIN_CF, MASTER_CF } from "../paths";
import type { UnderWay } from "./note";
import { installedName } from "./packageDatabase";
import type { PackageWork } from "./packageWork";

/** The two files as they are, with the version of the package that is about to be replaced. */
export async function filesToKeep(host: HostReader): Promise<Pick<UnderWay, "kept">> {
  const name = await installedName(host);
  const found = await lookAt(host, Look.each([MAIN_CF, MASTER_CF], file));
  const files = Object.entries(found)
    .map(([path, state]) => [path, savedFile(state, Infinity)] as const)
    .filter((one): one is readonly [string, NonNullable<SavedFile>] => one[1] !== null);
  const version = name === undefined ? undefined : parsePackage(name)?.version;
  return version === undefined ? {} : { kept: { version, files: Object.fromEntries(files) } };
}

/** Undoes the hook's edits if the version of Postfix is still the same, and warns of them if it is not. */
export async function restoreKeptFiles(
  host: HostWriter,
  { kept }: UnderWay,
  work: PackageWork,
): Promise<void> {
  if (!kept) return;
  const name = await installedName(host);
  if (name === undefined) return;
  const version = parsePackage(name)?.version;
  const edited: string[] = [];
  for (const [path, saved] of Object.entries(kept.files)) {
    const state = await lookAt(host, file(path));
    const contents = savedContents(saved) ?? "";
    if (state.type === "absent" || contentsOf(state) === contents) continue;
    if (version !== kept.version) edited.push(path);
    else await host.write({ path, contents, expect: { anything: true } });
  }
  if (edited.length > 0)
    work.warn(
      `The package of Postfix ${version ?? ""} has added to ${edited.join(" and ")}, which were made for ${kept.version}.`,
    );
}
