/** Which package pkg_add is given: one that was built from ports, or one that the repository offers. */
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { file, lookAt } from "../../host/look";
import { choosePackage, describeWanted } from "../../openbsd/packages";
import { cleanPorts } from "./buildTraces";
import { databaseLocked, lockLimit } from "./databaseLock";
import { offer, packagePathVariable, PKG_CONF } from "./offer";
import type { InstallArgs, PackageWork } from "./packageWork";
import { buildPort } from "./portsBuild";

/** The name that pkg_add is given, and the variables and options by which it finds and takes the package. */
export interface Target {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly options: readonly string[];
}

/** Builds the package from ports, if it is not built yet. */
export async function builtTarget(
  host: HostWriter,
  args: InstallArgs,
  work: PackageWork,
): Promise<Target> {
  await cleanFormerRelease(host, work);
  const { name, repository } = await buildPort(host, args, work);
  const { variable, options } = work.platform.packages.unsigned;
  return { name, env: { [variable]: repository }, options };
}

/** make(1) does not rebuild a package that exists, so one that was built for the former release has to go. */
async function cleanFormerRelease(host: HostWriter, work: PackageWork): Promise<void> {
  const { ports, ...note } = work.note();
  const outdated = note.release !== undefined && note.release !== work.platform.release;
  if (!ports || !outdated || note.under?.cleaned) return;
  work.progress("clean the ports tree of what was built for the former release");
  await cleanPorts(host, ports, work.warn);
  await work.setNote({ ...note, under: { packages: [], ...note.under, cleaned: true } });
}

/** Chooses from the packages that the repository offers. */
export async function chosenTarget(
  host: HostWriter,
  args: InstallArgs,
  { platform, progress }: PackageWork,
): Promise<Target> {
  const end = Date.now() + lockLimit(args);
  const ask = file(PKG_CONF).andThen((pkgConf) => offer(args, pkgConf, platform));
  let found = await lookAt(host, ask);
  while (found.locked) {
    if (Date.now() > end)
      throw await databaseLocked(host, `choosing ${describeWanted(args)}`, args);
    progress("the package database is locked");
    found = await lookAt(host, ask);
  }
  const choice = choosePackage(found, args, platform);
  if ("name" in choice)
    return { name: choice.name, env: packagePathVariable(args).env ?? {}, options: [] };
  throw new HostError("program", {
    host: host.address,
    during: `choosing the package for ${describeWanted(args)}`,
    reason: choice.reason,
    changed: "no",
    next: "",
  });
}
