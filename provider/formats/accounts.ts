/** The users and groups of passwd(5) and group(5): read only, because useradd(8) and its like alone edit these files. */
import type { Bytes } from "./bytes";

/** A line of /etc/passwd. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** A line of /etc/group. */
export interface AccountGroup {
  readonly name: string;
  readonly gid: number;
  /** The users that are named as members, besides those that have it as their login group. */
  readonly members: readonly string[];
}

/** The fields of each line that has so many; lines of YP (`+:…`) are no accounts. */
function linesOf(text: Bytes, fields: number): string[][] {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((line) => line.length === fields && !/^[+#-]|^$/.test(line[0] ?? ""));
}

/** The users in the text of /etc/passwd. */
export function usersIn(text: Bytes): Account[] {
  return linesOf(text, 7).map(([name = "", , uid, gid]) => ({
    name,
    uid: Number(uid),
    gid: Number(gid),
  }));
}

/** The groups in the text of /etc/group. */
export function groupsIn(text: Bytes): AccountGroup[] {
  return linesOf(text, 4).map(([name = "", , gid, members = ""]) => ({
    name,
    gid: Number(gid),
    members: members.split(",").filter((member) => member !== ""),
  }));
}
