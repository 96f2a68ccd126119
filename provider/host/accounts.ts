/** Users and groups of a host, as user(8) keeps them (docs/openbsd.md 11). */
import { type Account, type AccountGroup, groupsIn, usersIn } from "../formats/accounts";
import { contentsOf } from "./fileState";
import { file, Look } from "./look";

/** All users and groups of a host's own, without those of YP. */
export interface Accounts {
  readonly users: readonly Account[];
  readonly groups: readonly AccountGroup[];
}

export const ACCOUNTS: Look<Accounts> = Look.all({
  users: file("/etc/passwd").map((state) => usersIn(contentsOf(state) ?? "")),
  groups: file("/etc/group").map((state) => groupsIn(contentsOf(state) ?? "")),
});

/** A system user that nobody can log in as. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly group: string;
  readonly comment: string;
}

/**
 * The program that adds the user: in the class of daemons, without a password, and without a home of its own, into which
 * its owner could put files that sshd(8) and others read (.ssh, .forward).
 */
export function useradd({ name, uid, group, comment }: SystemUser): readonly string[] {
  return [
    ...["/usr/sbin/useradd", "-u", String(uid), "-g", group, "-L", "daemon", "-c", comment],
    ...["-d", "/var/empty", "-s", "/sbin/nologin", name],
  ];
}

/** The program that adds the group. */
export function groupadd(name: string, gid: number): readonly string[] {
  return ["/usr/sbin/groupadd", "-g", String(gid), name];
}

/** The program that removes the user, and not its home; also where usermgmt.conf(5) says that accounts are kept. */
export function userdel(name: string): readonly string[] {
  return ["/usr/sbin/userdel", "-p", "false", name];
}

/** The program that removes the group. */
export function groupdel(name: string): readonly string[] {
  return ["/usr/sbin/groupdel", name];
}
