/**
 * `npm run test:acceptance -- root@HOST`: tries the package on a real host, by ssh(1) and the Pulumi CLI alone. Exit status
 * 0: all that applies was seen; 1: something was not; 2: the command was called in a wrong way, or the host does not fit.
 */
import { createInterface } from "node:readline/promises";
import { cliForAutomation } from "../tools/pulumi-cli/automation";
import { findUsers } from "./host/commands";
import { factsOf, type HostFacts, linesOf, UnfitHost } from "./host/facts";
import { HostFailure, Ssh } from "./host/ssh";
import { type Options, readOptions, usage, UsageError } from "./options";
import { cutPackage } from "./parts/cutPackage";
import { lifeCycle } from "./parts/lifeCycle";
import { switchUnderMail } from "./parts/switchUnderMail";
import { undoOfPrefixes } from "./parts/undo";
import { type Head, Report } from "./report";
import { type Part, runParts, USERS } from "./suite";

const FAILED = 1;
const UNFIT = 2;

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  const ssh = new Ssh(options.address);
  try {
    const facts = await factsOf(ssh);
    const parts = partsFor(options);
    say(planText(ssh, facts, options, parts));
    await refuseOccupied(ssh, facts, options);
    if (options.releaseCheck) return 0;
    if (!options.yes && !(await agreed(facts))) return UNFIT;
    return await tried(ssh, facts, options, parts);
  } finally {
    await ssh.close();
  }
}

function partsFor({ short, parts }: Options): readonly Part[] {
  const all = [lifeCycle(short), undoOfPrefixes, cutPackage, switchUnderMail];
  const named = parts.length === 0 ? all : all.filter(({ name }) => parts.includes(name));
  return short ? named.filter((part) => part.short) : named;
}

/** What will happen, before it does. */
function planText(ssh: Ssh, facts: HostFacts, options: Options, parts: readonly Part[]): string {
  const laws = parts.flatMap(({ title, checks }) => [
    `  ${title} (${checks.length === 1 ? "one check" : `${checks.length} checks`})`,
  ]);
  return [
    `${ssh.name} is ${facts.hostname}, OpenBSD ${facts.release} ${facts.machine}.`,
    facts.kernel,
    `Mailers that run: ${facts.mailers.join(", ") || "none"}.`,
    "",
    "What is tried on it:",
    ...laws,
    "",
    "Postfix is installed, configured for the host itself alone, started, and removed again, several times; two users,",
    `${Object.values(USERS).join(" and ")}, are added and removed${facts.hasDoas ? ", with a rule each in /etc/doas.conf" : ""};`,
    options.reboot
      ? "the host is rebooted once;"
      : "the host is not rebooted (--reboot lets it be);",
    "mail that comes for the host meanwhile may wait or be refused. At the end the host is as it was found.",
  ].join("\n");
}

async function refuseOccupied(ssh: Ssh, facts: HostFacts, options: Options): Promise<void> {
  const left = linesOf(await ssh.run(findUsers, ...Object.values(USERS)));
  if (left.length > 0)
    throw new UnfitHost(
      `There are users of this suite on the host already: ${left.join(", ")}. Either it runs there right now, or a run was\n` +
        "killed. In that case destroy its stack (the run said where it is), and remove the users with userdel -r and their\n" +
        "rules in /etc/doas.conf.",
    );
  if (facts.occupants.length > 0 && !options.withPostfix)
    throw new UnfitHost(
      `The host is in use: it has ${facts.occupants.join(", ")}.\nWith --with-postfix the suite goes on, and leaves out what needs a bare host.`,
    );
}

async function agreed(facts: HostFacts): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError("There is no terminal to ask on: say --yes if the host may be changed.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`\nGo on with ${facts.hostname}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

async function tried(
  ssh: Ssh,
  facts: HostFacts,
  options: Options,
  parts: readonly Part[],
): Promise<number> {
  const report = new Report(await headOf(facts, options));
  const isStopped = onInterrupt(report);
  const back = await runParts(parts, { ssh, facts, options, report }, isStopped);
  say(`\n${report.summary}`);
  if (!back) say("The host is NOT as it was found: see above what differs.");
  report.write(options);
  return back && report.ok ? 0 : FAILED;
}

/** Nothing of the address: a report is made to be shown. */
async function headOf(facts: HostFacts, options: Options): Promise<Head> {
  const { version } = (await cliForAutomation()).cli;
  return {
    host: `OpenBSD ${facts.release} ${facts.machine}`,
    kernel: facts.kernel,
    mailer: facts.mailers.join(", ") || "none",
    set: options.short ? "short" : "whole",
    date: new Date().toISOString().slice(0, 10),
    pulumi: version,
    node: process.version,
  };
}

/** At the first Ctrl-C the check at hand ends, and the host is put back; the second ends the suite as it is. */
function onInterrupt(report: Report): () => boolean {
  let presses = 0;
  const stop = (): void => {
    presses += 1;
    if (presses > 1) process.exit(130);
    report.note("Interrupted: the host is put back now. Ctrl-C again leaves it as it is.");
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  return () => presses > 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${usage}`);
    else if (error instanceof UnfitHost || error instanceof HostFailure)
      process.stderr.write(`${error.message}\n`);
    else throw error;
    process.exitCode = UNFIT;
  },
);
