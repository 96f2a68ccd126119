/** What an installation of the package makes outside the package database: folders, and the accounts of the daemons. */
import type { HostWriter } from "../../host/host";
import { group, Look, lookAt, stat, user } from "../../host/look";
import { runOrFail } from "../../host/programs";
import { MAIL_OWNER, SETGID_GROUP } from "../packageContents";
import { CONFIGURATION, DATA, QUEUE } from "../paths";

export const FOLDERS = [CONFIGURATION, DATA, QUEUE] as const;
const USERS = [MAIL_OWNER];
const GROUPS = [MAIL_OWNER, SETGID_GROUP];

/** The folders, users and groups of an installation that exist on the host. */
export interface Traces {
  readonly folders: readonly string[];
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

const ACCOUNTS: Look<Pick<Traces, "users" | "groups">> = Look.all({
  users: Look.each(USERS, user).map(namesOfPresent),
  groups: Look.each(GROUPS, group).map(namesOfPresent),
});

export const TRACES: Look<Traces> = Look.all({
  folders: Look.each(FOLDERS, stat).map((found) =>
    FOLDERS.filter((path) => found[path].type !== "absent"),
  ),
  accounts: ACCOUNTS,
}).map(({ folders, accounts }) => ({ folders, ...accounts }));

function namesOfPresent(found: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(found).filter((name) => found[name] !== null);
}

/** Removes the folders, users and groups that did not exist before the package was installed. */
export async function removeTraces(host: HostWriter, before: Traces): Promise<void> {
  for (const folder of FOLDERS)
    if (!before.folders.includes(folder))
      await runOrFail(host, `remove ${folder}`, { argv: ["/bin/rm", "-rf", folder] });
  const { users, groups } = await lookAt(host, ACCOUNTS);
  for (const name of users)
    if (!before.users.includes(name))
      await runOrFail(host, `remove user ${name}`, { argv: ["/usr/sbin/userdel", name] });
  for (const name of groups)
    if (!before.groups.includes(name))
      // Exit status 6, no such group: userdel(8) may have removed the user's own group already.
      await runOrFail(host, `remove group ${name}`, { argv: ["/usr/sbin/groupdel", name] }, [0, 6]);
}
