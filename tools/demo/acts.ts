/** The demo, act by act. Each shows what happens and notes what was seen. */
import { diffTrees, type TestHost, type Tree } from "../../testing";
import type { Check, Checks } from "./checks";
import { bannerOf, breakages, diffAt, expectedPreview, missingIn, shell } from "./host";
import { configText, type DemoConnection, programText, projectText, wanted } from "./program";
import type { Pulumi, PulumiRun } from "./pulumi";
import type { Screen } from "./screen";

/** What the acts work with. */
export interface Stage {
  readonly host: TestHost;
  readonly pulumi: Pulumi;
  readonly screen: Screen;
  readonly checks: Checks;
}

/** An act cannot go on; what was to be seen after it is then NOT seen. */
export class DemoError extends Error {}

const recordPath = "/var/db/pulumi-openbsd-postfix/record.json";
const mailbox = `/var/mail/${wanted.recipient}`;

/** All acts in order. */
export async function play(stage: Stage, connection: DemoConnection): Promise<void> {
  const bare = await bareHost(stage);
  program(stage, connection);
  await preview(stage, bare.tree);
  await up(stage);
  await mail(stage);
  await secondUp(stage);
  await driftAndRepair(stage);
  await destroy(stage, bare);
}

interface Bare {
  readonly tree: Tree;
  readonly banner: string;
}

async function bareHost(stage: Stage): Promise<Bare> {
  const { host, screen } = stage;
  screen.say("What it is before anything is done:\n");
  await onHost(stage, "uname -sr");
  await onHost(stage, "grep -v '^#' /etc/mailer.conf");
  const banner = await bannerOf(host);
  screen.say(`Port 25 answers: ${banner}`);
  const tree = await snapshot(stage);
  screen.say(`Noted: type, content, mode and owner of all ${tree.size} paths on it.`);
  return { tree, banner };
}

function program({ host, screen }: Stage, connection: DemoConnection): void {
  screen.heading("The program");
  screen.say("index.ts:\n");
  screen.quote(programText(host.release));
  screen.say("\nPulumi.yaml:\n");
  screen.quote(projectText);
  screen.say("\nPulumi.demo.yaml, the stack's configuration:\n");
  screen.quote(configText(connection));
}

async function preview(stage: Stage, bare: Tree): Promise<void> {
  const { host, screen, checks, pulumi } = stage;
  screen.heading("Preview: what will change on the host");
  screen.say(
    "Lines of Pulumi's that say only that a resource is looked at, begun or unchanged are left out\n" +
      "here and below (`npm run demo -- --all` shows them). The changes stand under `Diagnostics`.\n",
  );
  const run = succeeded(await pulumi.show(["preview"]));
  const missing = missingIn(run.text, expectedPreview(host.release));
  const detail = missing.length === 0 ? "" : `missing: ${missing.join(", ")}`;
  checks.note("preview", missing.length === 0, detail);
  await same(stage, "previewWrites", bare);
}

async function up(stage: Stage): Promise<void> {
  const { host, screen, checks, pulumi } = stage;
  screen.heading("Up: the host becomes a Postfix server");
  succeeded(await pulumi.show(["up", "--yes", "--skip-preview"]));
  const banner = await bannerOf(host);
  checks.note("up", banner === `220 ${wanted.hostname} ESMTP Postfix`, banner || "no answer");
}

async function mail(stage: Stage): Promise<void> {
  const { host, screen, checks, pulumi } = stage;
  screen.heading("A message was delivered");
  const output = (name: string): Promise<unknown> =>
    screen.during("reading the stack's outputs", pulumi.output(name));
  screen.say("The SMTP dialogue, as MailCheck held it on the host:\n");
  const dialogue = lines(await output("dialogue"));
  screen.quote(dialogue.join("\n"));
  const id = /queued as (\w+)/.exec(dialogue.join("\n"))?.[1];
  checks.note("dialogue", id !== undefined, id === undefined ? "no queue id" : `queue id ${id}`);

  screen.say("\nThe mail log's lines with that id:\n");
  const log = lines(await output("log"));
  screen.quote(log.join("\n"));
  checks.note(
    "log",
    log.some((line) => line.includes(`${id}: `) && line.includes("status=sent")),
  );

  screen.say("\nThe mailbox:\n");
  const { stdout } = await host.exec(["cat", mailbox]);
  screen.command("#", `cat ${mailbox}`);
  screen.quote(stdout.trimEnd());
  const subject = stdout.includes("Subject: Test message of pulumi-openbsd-postfix");
  checks.note("mailbox", subject && stdout.includes(`with ESMTP id ${id}`));
}

async function secondUp(stage: Stage): Promise<void> {
  const { screen, checks, pulumi } = stage;
  screen.heading("Up again: nothing to do");
  const before = await snapshot(stage);
  const run = await pulumi.show(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  checks.note("second", run.ok && /\d+ unchanged/.test(run.text));
  await same(stage, "secondWrites", before);
}

async function driftAndRepair(stage: Stage): Promise<void> {
  const { host, screen, checks, pulumi } = stage;
  screen.heading("Three things are changed behind Pulumi's back");
  const before = await snapshot(stage);
  const entries = await aliasEntries(host);
  const broken = breakages(host.release);
  for (const [index, { what, command }] of broken.entries()) {
    screen.say(`${index + 1}. ${what}:`);
    await onHost(stage, command);
  }

  screen.heading("Drift: what a preview makes of it");
  const drift = succeeded(await pulumi.show(["preview", "--refresh", "--diff"]));
  const printed = drift.text.split("\n");
  const found = broken.map(({ component, shown }) =>
    drift.text.includes(`::${component}]`) ? diffAt(printed, shown) : undefined,
  );
  screen.say(
    "\nThe lines of it that tell the three, as they are now (-) and will be after up (+):\n",
  );
  for (const diff of found) if (diff !== undefined) screen.quote(diff);
  const count = found.filter((line) => line !== undefined).length;
  checks.note("drift", count === broken.length, `${count} of ${broken.length}`);

  screen.heading("Up: the drift is corrected");
  succeeded(await pulumi.show(["up", "--yes", "--skip-preview"]));
  const sameEntries = (await aliasEntries(host)) === entries;
  await same(stage, "repair", before, {
    [mailbox]: "MailCheck sent another message, because what Postfix reads was changed",
    [recordPath]: "this package's record of what it did",
    // Every new database has another file id in it (db_verify(1)); its entries are what counts.
    ...(sameEntries ? { "/etc/postfix/aliases.db": "rebuilt, with the same entries" } : {}),
  });
  const banner = await bannerOf(host);
  checks.note("repairServes", banner === `220 ${wanted.hostname} ESMTP Postfix`, banner);
}

async function destroy(stage: Stage, bare: Bare): Promise<void> {
  const { host, screen, checks, pulumi } = stage;
  screen.heading("Destroy: the host is put back");
  screen.say(
    `Mail that was delivered is its reader's, and destroy leaves mailboxes alone. ${wanted.recipient} deletes the\n` +
      "test messages, which are all that the mailbox holds:",
  );
  await onHost(stage, `rm ${mailbox}`);
  screen.say("");
  const run = await pulumi.show(["destroy", "--yes", "--skip-preview"]);
  checks.note("destroy", run.ok && /- \d+ deleted/.test(run.text));
  await same(stage, "restored", bare.tree);
  const banner = await bannerOf(host);
  checks.note("baseMailer", programOf(banner) === programOf(bare.banner), banner || "no answer");
}

/** "220 HOST ESMTP Sendmail 8.14.3/8.14.3; Sun, …": all but the time. */
function programOf(banner: string): string {
  return banner.replace(/;.*$/, "");
}

/** Notes whether the host's tree is still the one of before; the paths in `except` may differ, for a reason. */
async function same(
  stage: Stage,
  check: Check,
  before: Tree,
  except: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { screen, checks } = stage;
  const after = await snapshot(stage);
  const all = diffTrees(before, after).map((line) => ({ path: line.replace(/: .*$/, ""), line }));
  const excused = all.filter(({ path }) => path in except);
  const differences = all.filter(({ path }) => !(path in except));
  for (const { path } of excused) screen.say(`   ${path} differs: ${except[path] ?? ""}.`);
  for (const { line } of differences) screen.quote(line);
  const others = excused.length > 0 ? "other " : "";
  const detail =
    differences.length === 0
      ? `${after.size} paths compared, no ${others}difference`
      : `${differences.length} paths differ`;
  checks.note(check, differences.length === 0, detail);
}

/** What the alias database holds, in an order of its own. */
async function aliasEntries(host: TestHost): Promise<string> {
  const all = await shell(host, "/usr/local/sbin/postalias -s hash:/etc/postfix/aliases");
  return all.split("\n").sort().join("\n");
}

function snapshot({ host, screen }: Stage): Promise<Tree> {
  return screen.during("reading the host's whole file tree", host.snapshot());
}

/** Runs a command on the host and shows it with what it printed. */
async function onHost({ host, screen }: Stage, command: string): Promise<void> {
  screen.command("#", command);
  const printed = await screen.during("waiting for the host", shell(host, command));
  if (printed !== "") screen.quote(printed);
}

function succeeded(run: PulumiRun): PulumiRun {
  if (!run.ok) throw new DemoError("Pulumi failed: what it said is above.");
  return run;
}

function lines(output: unknown): string[] {
  return Array.isArray(output) ? output.map(String) : [];
}
