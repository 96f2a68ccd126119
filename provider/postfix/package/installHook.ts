/**
 * What the install hook of a new installation makes (docs/openbsd.md 2.2). A package can be in the package database without
 * it: pkg_add says that a hook has failed, and goes on.
 */
import type { ActContext } from "../../contract/kind";
import { HostError } from "../../host/errors";
import type { HostReader, HostWriter } from "../../host/host";
import { Look, lookAt, stat } from "../../host/look";
import { runOrFail } from "../../host/programs";
import { CONFIGURATION, DATA, MAIN_CF, MASTER_CF, QUEUE } from "../paths";
import { PACKAGE_KEY, type PackageNote } from "./note";
import { isPostfix } from "./packageDatabase";
import type { Traces } from "./traces";

const MADE = [MAIN_CF, MASTER_CF, DATA, QUEUE];

/** What the hook should have made, and has not. */
export async function missingOfHook(host: HostReader): Promise<readonly string[]> {
  const found = await lookAt(host, Look.each(MADE, stat));
  return MADE.filter((path) => found[path]?.type === "absent");
}

/** Is what is under way a new installation, and not one in the place of another package? */
export function isNew({ under }: PackageNote): boolean {
  return under !== undefined && !under.packages.some(isPostfix);
}

/** @throws HostError where the hook has not made all that it makes */
export async function requireHook(host: HostReader, name: string): Promise<void> {
  const missing = await missingOfHook(host);
  if (missing.length === 0) return;
  throw new HostError("program", {
    host: host.address,
    during: `the install hook of ${name}`,
    reason: `pkg_add has installed the package, but ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing, which the hook makes`,
    changed: "yes",
    next: "Run `pulumi up` again, which removes the package and installs it anew. If that ends the same way, `PREFIX=/usr/local SYSCONFDIR=/etc /usr/local/sbin/postfix-install install` as root on the host says what is in its way.",
  });
}

/**
 * Removes a configuration that a hook has begun and not finished, where there was none before the installation: the hook
 * copies its files only where it finds no folder.
 */
export async function removeHalfMade(host: HostWriter, { record }: ActContext): Promise<void> {
  const before = record.keys[PACKAGE_KEY]?.before as Partial<Traces> | null | undefined;
  if (before?.folders === undefined || before.folders.includes(CONFIGURATION)) return;
  const missing = await missingOfHook(host);
  if (missing.includes(MAIN_CF) || missing.includes(MASTER_CF))
    await runOrFail(host, `remove ${CONFIGURATION}`, { argv: ["/bin/rm", "-rf", CONFIGURATION] });
}
