/**
 * The processes of a host, and whose they are. Any user may start a program under any title, so a title counts only for a
 * process of an owner that is named with it, by its effective and its real user: nobody else can have these
 * (docs/openbsd.md 9 and 11).
 */
import type { HostReader } from "../host/host";
import { HostError } from "../host/errors";
import { file, Look, type ProbeAnswer, probe, user } from "../host/look";
import { contentsOf } from "../host/host";
import type { BaseMailer } from "../openbsd/platform";
import { lastLines } from "../values/readable";
import { DAEMONS, QUEUE } from "./paths";

/** A process as ps(1) shows it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The effective user. */
  readonly uid: number;
  readonly realUid: number;
  /** Its arguments, or the title that it gave itself. ps(1) escapes line ends in it. */
  readonly command: string;
}

/** What could not be found out, and why: neither yes nor no. */
export interface Unknown {
  readonly unknown: string;
}

export function isUnknown(value: unknown): value is Unknown {
  return typeof value === "object" && value !== null && "unknown" in value;
}

/** Numbers first: the only column that others can choose is the last one. */
const PS = ["pid", "ppid", "uid", "ruid", "command"].flatMap((column) => ["-o", `${column}=`]);

/** All processes of the host. */
export const PROCESSES: Look<readonly Process[] | Unknown> = probe(["/bin/ps", "-axww", ...PS]).map(
  processesIn,
);

function processesIn(answer: ProbeAnswer): readonly Process[] | Unknown {
  if ("notFound" in answer) return { unknown: "the host has no /bin/ps" };
  if (answer.exitCode !== 0 || answer.truncated) {
    const why = lastLines(answer.stderr, 3);
    return { unknown: `/bin/ps fails${why === "" ? "" : `: ${why}`}` };
  }
  const found = answer.stdout.split("\n").flatMap((line): Process[] => {
    const [, pid, parent, uid, realUid, command = ""] =
      /^ *(\d+) +(\d+) +(\d+) +(\d+) +(.*)$/.exec(line) ?? [];
    if (pid === undefined) return [];
    return [
      {
        ...{ pid: Number(pid), parent: Number(parent), uid: Number(uid) },
        ...{ realUid: Number(realUid), command },
      },
    ];
  });
  // init(8) is always there, so a list without it is none.
  return found.some(({ pid }) => pid === 1)
    ? found
    : { unknown: "/bin/ps does not list the processes" };
}

/** Does a process belong to one of these users alone, and not to somebody who runs a set-user-id program? */
function isOf({ uid, realUid }: Process, owners: readonly number[]): boolean {
  return owners.includes(uid) && owners.includes(realUid);
}

/** Postfix while it runs: its master(8), and the daemons that master has started. */
export interface PostfixProcesses {
  readonly master: number;
  readonly children: readonly Process[];
}

/** The file that master(8) writes its number to, and holds a lock on. */
export const MASTER_PID = `${QUEUE}/pid/master.pid`;

/** Arguments of master(8), which the script of `postfix start` gives with its path. */
const MASTER = /^(?:\/\S*\/)?master(?: |$)/;

/**
 * Postfix's processes; `null` where it does not run. It runs when the number in master's locked file is that of a master of
 * root. The lock alone proves nothing: `master -t` ends with 1 also when it cannot read main.cf (docs/openbsd.md 8).
 */
export const POSTFIX: Look<PostfixProcesses | null | Unknown> = Look.all({
  locked: probe([`${DAEMONS}/master`, "-t"]),
  file: file(MASTER_PID),
  processes: PROCESSES,
}).map(({ locked, file: pidFile, processes }) => {
  if (isUnknown(processes)) return processes;
  const pid = Number((contentsOf(pidFile) ?? "").trim() || "0");
  const masters = processes.filter((one) => isOf(one, [0]) && MASTER.test(one.command));
  const master = masters.find((one) => one.pid === pid);
  // A package that was removed under a running Postfix takes the program along.
  if (!("notFound" in locked)) {
    if (locked.exitCode === 0) return null;
    if (locked.exitCode !== 1)
      return { unknown: "`master -t`, which looks at the lock of Postfix's master, does not end" };
  }
  if (master === undefined) return null;
  return {
    master: master.pid,
    children: processes.filter(({ parent }) => parent === master.pid),
  };
});

/** The processes of the base system's mailer. */
export function baseMailerProcesses({
  processes: { owners, title },
}: BaseMailer): Look<readonly Process[] | Unknown> {
  return processesOf(owners, new RegExp(title));
}

/** The processes of root and of these users with such a title. */
export function processesOf(
  owners: readonly string[],
  title: RegExp,
): Look<readonly Process[] | Unknown> {
  return Look.all({ users: Look.each(owners, user), processes: PROCESSES }).map(
    ({ users, processes }) => {
      if (isUnknown(processes)) return processes;
      const uids = [0, ...owners.flatMap((name) => users[name]?.uid ?? [])];
      return processes.filter((one) => isOf(one, uids) && title.test(one.command));
    },
  );
}

/** The answer, where there is one. @throws HostError for an unknown one */
export function known<T>(host: HostReader, what: string, answer: T | Unknown): T {
  if (!isUnknown(answer)) return answer;
  throw new HostError("program", {
    host: host.address,
    during: `finding out ${what}`,
    reason: answer.unknown,
    changed: "unknown",
    next: UNKNOWN_ADVICE,
  });
}

/** What to do about an unknown answer. */
export const UNKNOWN_ADVICE =
  "Mend that on the host, because nothing is switched blindly, and run `pulumi up` again.";
