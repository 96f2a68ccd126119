/**
 * `npm run bench:switch [-- --messages N]`: the switch to Postfix and back under load, with the real Pulumi CLI, on a host
 * like the oldest release and one like the newest. Counts what was submitted, acknowledged, delivered, left in a queue,
 * delivered twice and lost, and the longest time without an acknowledgement. Exit status 1 when mail was lost or doubled, or
 * when destroy did not end by itself.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Release, startHost, type TestHost } from "../testing";
import {
  CHANNELS,
  delivered,
  enough,
  longestGap,
  queued,
  startSubmitters,
  type Submitted,
  submitted,
  waiting,
} from "./bench/submitters";
import { stackName, writeProject } from "./demo/program";
import { Pulumi, type PulumiRun } from "./demo/pulumi";
import { Screen } from "./demo/screen";
import { findPulumi } from "./pulumi-cli/find";

const usage = `usage: npm run bench:switch [-- [--messages N] [--rate N] [--release RELEASE]]

  --messages  how many messages to submit at least, four of five by SMTP; 1000 unless given
  --rate      how many a second; 20 unless given
  --release   4.7 or 7.8; both unless given
`;

interface Options {
  readonly messages: number;
  readonly rate: number;
  readonly releases: readonly Release[];
}

function options(argv: readonly string[]): Options | undefined {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { messages: text, rate: text, release: text },
    });
    const messages = Number(values.messages ?? "1000");
    const rate = Number(values.rate ?? "20");
    const releases = (["4.7", "7.8"] as const).filter(
      (one) => values.release === undefined || values.release === one,
    );
    const fits = messages >= 10 && rate > 0 && releases.length > 0;
    return fits ? { messages, rate, releases } : undefined;
  } catch {
    return undefined;
  }
}

async function nameOf(host: TestHost): Promise<string> {
  return (await host.exec(["/bin/hostname"])).stdout.trim();
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function until(done: () => Promise<boolean>, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await done()) return true;
    if (Date.now() > end) return false;
    await pause(500);
  }
}

/** Seconds since 1970 by the clock that host and bench share. */
const now = (): number => Date.now() / 1000;

interface Span {
  readonly from: number;
  readonly to: number;
  readonly run: PulumiRun;
}

async function timed(work: () => Promise<PulumiRun>): Promise<Span> {
  const from = now();
  const run = await work();
  return { from, to: now(), run };
}

async function bench(release: Release, options: Options, screen: Screen): Promise<boolean> {
  screen.heading(`OpenBSD ${release}: ${options.messages} messages, ${options.rate} a second`);
  const host = await startHost({ release });
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-bench-"));
  try {
    const { host: address, port, user, privateKeyPath, hostKey } = host;
    const connection = { host: address, port, user, privateKeyPath, hostKey };
    // The base mailer writes the host's own name behind a local name, also where the mail reaches Postfix later.
    const mydestination = `$myhostname, localhost.$mydomain, localhost, ${await nameOf(host)}`;
    writeProject(folder, release, connection, { mydestination });
    const pulumi = new Pulumi(await findPulumi(), folder, screen, false);
    await pulumi.quiet(["stack", "init", stackName, "--no-select"]);
    return await measure(host, pulumi, options, screen);
  } finally {
    await host.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  host: TestHost,
  pulumi: Pulumi,
  { messages, rate }: Options,
  screen: Screen,
): Promise<boolean> {
  const smtp = Math.round(messages * 0.8);
  const count = { smtp, local: messages - smtp };
  await startSubmitters(host, count, { smtp: rate * 0.8, local: rate * 0.2 });
  const all = async (): Promise<readonly Submitted[]> =>
    Promise.all(CHANNELS.map((channel) => submitted(host, channel)));
  const reached = (part: number) => async (): Promise<boolean> =>
    (await all()).reduce((sum, { tried }) => sum + tried, 0) >= messages * part;
  await until(reached(0.1), 3600);
  const there = await timed(() => pulumi.quiet(["up", "--yes", "--suppress-progress"]));
  await until(reached(0.5), 3600);
  const back = await timed(() => pulumi.quiet(["destroy", "--yes", "--suppress-progress"]));
  await enough(host);
  await until(async () => (await all()).every(({ ended }) => ended), 7200);
  await until(async () => (await queued(host)) === 0, 120);
  return report(host, await all(), { there, back }, screen);
}

async function report(
  host: TestHost,
  channels: readonly Submitted[],
  { there, back }: { readonly there: Span; readonly back: Span },
  screen: Screen,
): Promise<boolean> {
  const inbox = await delivered(host);
  const acknowledged = channels.flatMap((one) => [...one.acknowledged]);
  const inQueues = await waiting(host);
  const missing = acknowledged.filter((id) => !inbox.has(id) && !inQueues.has(id));
  const twice = [...inbox.values()].filter((times) => times > 1).length;
  const rows: readonly (readonly [string, string | number])[] = [
    ["submitted", channels.reduce((sum, { tried }) => sum + tried, 0)],
    ["acknowledged", acknowledged.length],
    ["delivered", inbox.size],
    ["left in a queue", await queued(host)],
    ["delivered twice", twice],
    ["acknowledged and lost", missing.length],
    ["up ended", there.run.ok ? "well" : "with an error"],
    ["destroy ended", back.run.ok ? "by itself" : "with an error"],
    ...channels.flatMap((one, at): (readonly [string, string])[] => [
      [
        `longest gap of ${CHANNELS[at] ?? ""} in up`,
        seconds(longestGap(one, there.from, there.to)),
      ],
      [
        `longest gap of ${CHANNELS[at] ?? ""} in destroy`,
        seconds(longestGap(one, back.from, back.to)),
      ],
    ]),
  ];
  for (const [name, value] of rows) screen.say(`${name.padEnd(34)}${value}`);
  if (missing.length > 0) screen.say(`lost: ${missing.slice(0, 10).join(" ")}`);
  for (const { run } of [there, back]) if (!run.ok) screen.quote(run.text);
  return there.run.ok && back.run.ok && missing.length === 0 && twice === 0;
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

async function main(argv: readonly string[]): Promise<number> {
  const chosen = options(argv);
  if (chosen === undefined) {
    process.stderr.write(usage);
    return 64;
  }
  const screen = new Screen();
  let good = true;
  for (const release of chosen.releases) good = (await bench(release, chosen, screen)) && good;
  return good ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
