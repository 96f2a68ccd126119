/** The queues of the base system's mailer: listed, delivered before the mailer is stopped, and handed to Postfix. */
import type { HostWriter } from "../host/host";
import { Look, lookAt, probe, stat } from "../host/look";
import { until } from "../host/programs";
import type { BaseMailer } from "../openbsd/platform";
import { readable } from "../values/readable";
import { PROGRAMS } from "./paths";
import { isUnknown, type Unknown } from "./processes";

/** How many messages the base mailer has in each of its queues. */
export type Queued = Readonly<Record<string, number | Unknown>>;

export function queues({ queues: programs }: BaseMailer): Look<Queued> {
  return Look.each(Object.keys(programs), (name) =>
    probe(programs[name] ?? []).map((listing) => {
      if ("notFound" in listing) return { unknown: `${programs[name]?.[0] ?? name} is missing` };
      return listing.exitCode === 0
        ? countIn(listing.stdout)
        : { unknown: `${programs[name]?.join(" ") ?? name} fails` };
    }),
  );
}

/** The number of messages in a queue listing: `smtpctl show queue` prints one a line, `sendmail -bp` a total. */
function countIn(listing: string): number {
  const total = /Total requests: (\d+)/.exec(listing);
  if (total) return Number(total[1]);
  return listing.split("\n").filter((line) => line.includes("|")).length;
}

/** The messages of all queues that could be listed. */
export function queuedIn(queued: Queued): number {
  return Object.values(queued).reduce<number>((sum, one) => sum + (isUnknown(one) ? 0 : one), 0);
}

/** Says which mail waits in which queue; `undefined` where none is known of. */
export function leftBehind(queued: Queued, { name }: BaseMailer): string | undefined {
  const where = Object.entries(queued).flatMap(([queue, count]) =>
    isUnknown(count) || count === 0 ? [] : [`${count} message(s) in its ${queue}`],
  );
  return where.length === 0 ? undefined : `${name} has ${where.join(" and ")}`;
}

/** How long mail may take to leave a queue in all. */
const DRAIN_MS = 60_000;

/** Waits until `count` is 0, for as long as it changes within `stillMs`. Returns what is left. */
export async function drained(
  count: () => Promise<number>,
  stillMs: number,
  progress: (left: number) => void,
): Promise<number> {
  let left = await count();
  if (left === 0) return 0;
  let since = Date.now();
  await until(async () => {
    const now = await count();
    if (now !== left) since = Date.now();
    left = now;
    if (now === 0) return true;
    progress(now);
    return Date.now() - since > stillMs;
  }, DRAIN_MS);
  return left;
}

/** Has the base mailer try at once what waits in its queues. */
export async function flushBaseQueue(host: HostWriter, mailer: BaseMailer): Promise<void> {
  await host.run({ argv: mailer.drain, timeoutMs: DRAIN_MS });
}

/** The same, and waits for mail that leaves a queue. */
export async function drainBaseQueue(
  host: HostWriter,
  mailer: BaseMailer,
  progress: (text: string) => void,
): Promise<void> {
  await flushBaseQueue(host, mailer);
  if (mailer.pause !== undefined) await wait(host, mailer, 5000, progress);
}

/**
 * Has the base mailer take no more mail by SMTP, where it can be told so, and deliver what it has: what it has acknowledged
 * until it stops must not stay in its queue. New connections wait for a moment, and then find Postfix.
 */
export async function closeBaseMailer(
  host: HostWriter,
  mailer: BaseMailer,
  progress: (text: string) => void,
): Promise<void> {
  if (mailer.pause === undefined) return;
  await host.run({ argv: mailer.pause });
  await wait(host, mailer, 2000, progress);
}

async function wait(
  host: HostWriter,
  mailer: BaseMailer,
  stillMs: number,
  progress: (text: string) => void,
): Promise<void> {
  await drained(
    async () => queuedIn(await lookAt(host, queues(mailer))),
    stillMs,
    (left) => progress(`${mailer.name} delivers what is in its queue: ${left} message(s) left`),
  );
}

/**
 * Hands what smtpd could not deliver to Postfix, with its envelope, and takes each from smtpd's queue once Postfix has it.
 * Returns how many were handed over. Postfix keeps them until it runs.
 */
export async function handOver(host: HostWriter, mailer: BaseMailer): Promise<number> {
  if (mailer.name !== "smtpd") return 0;
  const { program, listing } = await lookAt(
    host,
    Look.all({
      program: stat(PROGRAMS.sendmail),
      listing: probe(mailer.queues["queue"] ?? []),
    }),
  );
  if (program.type === "absent" || "notFound" in listing) return 0;
  let handed = 0;
  for (const line of listing.stdout.split("\n")) {
    // Envelope, session, transport, flags, sender, recipient as given, recipient as rewritten, times.
    const [id = "", , , , sender, , recipient] = line.split("|");
    if (!/^[0-9a-f]{16}$/.test(id) || sender === undefined || !recipient) continue;
    const from = sender === "@" ? "" : sender;
    const { exitCode } = await host.run({
      // -G: the message was submitted before, so its headers stay as they are. A pipe of two programs, and no more than that:
      // the addresses come as arguments.
      argv: ["/bin/sh", "-c", HAND_OVER, "sh", id, from, recipient],
      timeoutMs: 60_000,
    });
    if (exitCode === 0) handed += 1;
  }
  return handed;
}

/** A message that cannot be read must not become an empty one: it is read into a file first. */
const HAND_OVER = `
set -e
message=$(mktemp /tmp/pulumi-openbsd-postfix-XXXXXXXXXX)
trap 'rm -f "$message"' EXIT
/usr/sbin/smtpctl show message "$1" > "$message"
test -s "$message"
${PROGRAMS.sendmail} -G -i -f "$2" -- "$3" < "$message"
/usr/sbin/smtpctl remove "$1"
`;

/** Warns of mail that neither the base mailer nor Postfix will deliver by itself, with the command that does it. */
export async function leftWarning(
  host: HostWriter,
  mailer: BaseMailer,
): Promise<string | undefined> {
  const queued = await lookAt(host, queues(mailer));
  const left = leftBehind(queued, mailer);
  const unlisted = Object.entries(queued)
    .flatMap(([name, count]) => (isUnknown(count) ? [`its ${name} (${count.unknown})`] : []))
    .join(" and ");
  if (left === undefined && unlisted === "") return undefined;
  const what = left ?? `it is not known whether ${mailer.name} has mail in ${readable(unlisted)}`;
  return `${what}: that stays there, and Postfix does not deliver it. \`${mailer.deliver}\` on the host does.`;
}
