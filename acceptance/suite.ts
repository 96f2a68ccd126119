/**
 * Runs the parts one after the other. Each begins on the host as it was found, and ends by putting it back to that,
 * whatever became of its checks; where that does not succeed, no further part begins.
 */
import { diffTrees } from "../testing/host/snapshot";
import type { Outcome as Run } from "../testing/pulumi/runOutcome";
import { addUser, keep, putBack, removeUsers } from "./host/commands";
import type { HostFacts } from "./host/facts";
import { type Files, filesOf } from "./host/files";
import type { Ssh } from "./host/ssh";
import type { Options } from "./options";
import { programText, type Variant } from "./program";
import type { Outcome, Report } from "./report";
import { RunFailed, TestedStack } from "./stack";

/** A user of the suite on the host, with each shell that people have. Mail goes to the first. */
export const USERS = { ksh: "acceptksh", csh: "acceptcsh" } as const;
export const RECIPIENT = USERS.ksh;

/** What the suite changes on the host besides what the package does, and puts back byte by byte. */
const KEPT = ["etc/doas.conf", "var/backups", "etc/rc.conf.local", "var/cron/tabs/root"];

/** How many differences are told of one comparison. */
const LINES = 20;

/** Something was not as the law wants it. The message says what was seen. */
export class NotSeen extends Error {}

/** What a check works with. */
export interface Stage {
  readonly ssh: Ssh;
  readonly facts: HostFacts;
  readonly options: Options;
  readonly report: Report;
  readonly stack: TestedStack;
  /** The files of the host before the part began. */
  readonly bare: Files;
  /** Puts this program into the project. */
  write(variant?: Variant): void;
}

/** A law, and how it is tried. */
export interface Check {
  readonly name: string;
  /** What must hold: a sentence. */
  readonly law: string;
  /** Why the check is left out on this host or in this run; `undefined` where it is not. */
  readonly without?: (stage: Stage) => string | undefined;
  /** Whether it breaks on purpose what is managed: if it ends early, only an `up` puts that right. */
  readonly breaks?: true;
  /** Throws where the law does not hold; otherwise says what was counted. */
  readonly run: (stage: Stage) => Promise<string>;
}

/** Checks that go on from one another. */
export interface Part {
  /** By which `--part` names it. */
  readonly name: string;
  readonly title: string;
  /** Whether it belongs to the short set. */
  readonly short: boolean;
  /** Why the whole part is left out on this host; `undefined` where it is not. */
  readonly without?: (facts: HostFacts) => string | undefined;
  readonly checks: readonly Check[];
  /** Takes back what a check has left on the host besides the stack, where the part ended before it did so itself. */
  readonly cleanUp?: (ssh: Ssh) => Promise<void>;
}

/** Runs parts on a host. Returns false where the host could not be put back. */
export async function runParts(
  parts: readonly Part[],
  tools: Pick<Stage, "ssh" | "facts" | "options" | "report">,
  isStopped: () => boolean,
): Promise<boolean> {
  const { ssh, facts, report } = tools;
  const found = await filesOf(ssh);
  const kept = await ssh.run(keep, ...KEPT);
  const stack = await TestedStack.make();
  report.note(`${found.tree.size} files and folders are compared.`);
  report.note(`If this run is killed, \`pulumi destroy\` in ${stack.folder} puts the host back.`);
  let ok = true;
  try {
    const doas = facts.hasDoas ? "doas" : "";
    await ssh.run(addUser, USERS.ksh, "/bin/ksh", doas);
    await ssh.run(addUser, USERS.csh, "/bin/csh", doas);
    for (const part of parts) {
      if (!ok || isStopped()) leaveOut(part, report);
      else ok = await runPart(part, { ...tools, stack, ...writer(stack, tools) }, isStopped);
    }
  } finally {
    ok = (await leave(ssh, found, kept, report)) && ok;
    if (ok) stack.remove();
    else report.note(`The stack is kept in ${stack.folder}; its passphrase is "test".`);
  }
  return ok;
}

/** Takes back what the suite itself has changed. Whether the host is as it was found. */
async function leave(ssh: Ssh, found: Files, kept: string, report: Report): Promise<boolean> {
  report.part("At the end");
  const check = { name: "as-found", law: "the host is left as it was found" };
  try {
    await ssh.run(removeUsers, ...Object.values(USERS));
    await ssh.run(putBack, kept, ...KEPT);
    note(report, check, "seen", await expectSame(found, ssh));
    return true;
  } catch (error) {
    note(report, check, "NOT seen", (error as Error).message);
    return false;
  }
}

function writer(
  stack: TestedStack,
  { options, facts }: Pick<Stage, "options" | "facts">,
): Pick<Stage, "write"> {
  return {
    write: (variant) => stack.write(programText(options, facts, RECIPIENT, variant)),
  };
}

/** Whether the host could be put back. */
async function runPart(
  part: Part,
  stage: Omit<Stage, "bare">,
  isStopped: () => boolean,
): Promise<boolean> {
  const { ssh, report, facts } = stage;
  report.part(part.title);
  const why = part.without?.(facts);
  if (why !== undefined) {
    for (const check of part.checks) note(report, check, "left out", why);
    return true;
  }
  const full = { ...stage, bare: await filesOf(ssh) };
  let failed: Check | undefined;
  for (const check of part.checks) {
    if (failed !== undefined || isStopped()) note(report, check, "not tried", "");
    else if (!(await runCheck(check, full))) failed = check;
  }
  if (failed === undefined && !isStopped()) return true;
  report.note("putting the host back");
  try {
    await full.stack.cancel();
    if (failed?.breaks === true) {
      // A destroy would leave what was broken, as it leaves every edit that somebody else made.
      full.write();
      await full.stack.tryUp({ refresh: true });
    }
    await full.stack.destroy();
    await part.cleanUp?.(ssh);
  } catch (error) {
    if (!(error instanceof RunFailed)) throw error;
    report.note(error.message);
    return false;
  }
  const left = await differences(full.bare, ssh);
  for (const line of left.slice(0, LINES)) report.note(line);
  return left.length === 0;
}

/** Whether the law was seen to hold, or the check left out. */
async function runCheck(check: Check, stage: Stage): Promise<boolean> {
  const why = check.without?.(stage);
  if (why !== undefined) {
    note(stage.report, check, "left out", why);
    return true;
  }
  const begin = Date.now();
  const seconds = (): number => (Date.now() - begin) / 1000;
  try {
    note(stage.report, check, "seen", await check.run(stage), seconds());
    return true;
  } catch (error) {
    note(stage.report, check, "NOT seen", (error as Error).message, seconds());
    return false;
  }
}

function leaveOut({ title, checks }: Part, report: Report): void {
  report.part(title);
  for (const check of checks) note(report, check, "not tried", "");
}

function note(
  report: Report,
  { name, law }: Pick<Check, "name" | "law">,
  outcome: Outcome,
  detail: string,
  seconds = 0,
): void {
  report.add({ check: name, law, outcome, detail, seconds });
}

/** What differs on the host from an earlier listing, one line a path. */
export async function differences(before: Files, ssh: Ssh): Promise<string[]> {
  return diffTrees(before.tree, (await filesOf(ssh)).tree);
}

/** Throws where the host is not as it was; otherwise says how much was compared. */
export async function expectSame(before: Files, ssh: Ssh): Promise<string> {
  const lines = await differences(before, ssh);
  if (lines.length > 0)
    throw new NotSeen(`${lines.length} paths differ\n${lines.slice(0, LINES).join("\n")}`);
  return `${before.tree.size} paths compared`;
}

/** The names of the resources of which a run changed, or would change, more than how their host is reached. */
export function changed(run: Run): string[] {
  const changes = [...run.changes.values()].filter(
    ({ op, diffs }) => op !== "update" || !diffs.every((path) => path.startsWith("connection")),
  );
  return [...new Set(changes.map(({ name }) => name))].sort();
}
