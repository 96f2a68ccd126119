/** The host's package database: which packages are installed, and whether one of them is still needed. */
import { contentsOf, type HostReader } from "../../host/host";
import { file, list, Look, lookAt } from "../../host/look";

/** The package database: one folder for each installed package, under the package's full name. */
export const DATABASE = "/var/db/pkg";

/** Is this the full name of a package of Postfix, such as `postfix-3.5.25p2-mysql`? */
export function isPostfix(name: string): boolean {
  return /^postfix-\d/.test(name);
}

/** Is this the name under which an interrupted pkg_add has registered a part of Postfix's package? */
export function isPartialPostfix(name: string): boolean {
  return /^partial-postfix-\d/.test(name);
}

/** The full names of all installed packages. */
export async function installed(host: HostReader): Promise<readonly string[]> {
  return (await lookAt(host, list(DATABASE))) ?? [];
}

/** The full name of the installed package of Postfix. */
export async function installedName(host: HostReader): Promise<string | undefined> {
  return (await installed(host)).find(isPostfix);
}

/** Is a package needed: by another package, or because an administrator installed it by name? */
export function isNeeded(name: string): Look<boolean> {
  return Look.all({
    contents: file(`${DATABASE}/${name}/+CONTENTS`),
    dependents: file(`${DATABASE}/${name}/+REQUIRED_BY`),
  }).map(
    ({ contents, dependents }) =>
      (contentsOf(dependents) ?? "").trim() !== "" ||
      /^@option manual-installation/m.test(contentsOf(contents) ?? ""),
  );
}
