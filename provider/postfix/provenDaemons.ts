/**
 * Proving that the daemons live which nobody has to ask for. master(8) starts those with a wakeup time by itself, and does
 * not start a daemon again for a minute that has ended with an error: such a daemon is not among its children.
 */
import { type JudgedService, servicesOf } from "./masterServices";
import type { MailLog } from "./mailLog";
import { QUEUE } from "./paths";
import type { Process } from "./processes";
import { daemonOf, LOOK_MS, NotServing, pause, type Proof, Throttled } from "./proof";

interface DaemonProof extends Proof {
  readonly log: MailLog;
  readonly master: number;
}

/** How long a daemon may take to appear, and how long it must live to have read its configuration. */
const APPEAR_MS = 10_000;
const LIVE_MS = 1000;

/**
 * Proves that daemons live.
 *
 * @param which - those that master wakes by itself, or those of which the log says that they have ended. The log may be
 * written by anybody, so its lines only say whom to look at: they are called, and what lives is well.
 * @throws Throttled | NotServing
 */
export async function provenDaemons(
  proof: DaemonProof,
  which: "awaken" | "named in the log",
): Promise<void> {
  const services = servicesOf(proof.masterCf).services;
  if (which === "awaken") {
    return live(
      proof,
      services.filter(({ wakeup }) => /^[1-9]\d*$/.test(wakeup)),
    );
  }
  const named = endedDaemons(await proof.log.read(), proof.master);
  const doubtful = services.filter(
    ({ daemon, type }) => named.has(daemon) && ["unix", "fifo", "pass"].includes(type),
  );
  if (doubtful.length === 0) return;
  const folder = (isPrivate: string): string => (isPrivate === "n" ? "public" : "private");
  await call(
    proof,
    doubtful.flatMap(({ name, type, isPrivate }) =>
      type === "unix" ? [`${QUEUE}/${folder(isPrivate)}/${name}`] : [],
    ),
  );
  return live(proof, doubtful);
}

/** A line of syslogd(8), with the traditional time or, with its option -Z, that of RFC 3339. */
const TIME = String.raw`(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+Z) \S+ [\w./-]+`;

/** The daemons of which this master, by its number, says that they ended with an error. */
export function endedDaemons(log: string, master: number): ReadonlySet<string> {
  const line = new RegExp(
    String.raw`^${TIME}/master\[${master}\]: warning: (?:process )?\S*/([\w.-]+)(?: pid \d+ (?:exit status|killed by signal) \d+|: bad command startup -- throttling)`,
    "gm",
  );
  return new Set([...log.matchAll(line)].map(([, daemon = ""]) => daemon));
}

/** Waits until each of these daemons lives, and has lived for a while. */
async function live(proof: DaemonProof, wanted: readonly JudgedService[]): Promise<void> {
  const seen = new Map<number, number>();
  const end = Date.now() + APPEAR_MS;
  for (;;) {
    const { children } = await proof.now();
    const time = Date.now();
    for (const { pid } of children) if (!seen.has(pid)) seen.set(pid, time);
    const settled = ({ pid }: Process): boolean =>
      !proof.former.has(pid) && time - (seen.get(pid) ?? time) >= LIVE_MS;
    const missing = [...wanted].filter(
      (service) => !children.some((one) => isOf(service, one) && settled(one)),
    );
    if (missing.length === 0) return;
    if (time > end) {
      const hasOld = (service: JudgedService): boolean =>
        children.some((one) => isOf(service, one) && proof.former.has(one.pid));
      const dead = missing.filter((service) => !hasOld(service));
      if (dead.length > 0) {
        const isNew = dead.every(({ daemon }) => proof.formerDaemons.has(daemon));
        throw new (isNew ? NotServing : Throttled)(
          `its master runs, but ${namesOf(dead)} does not stay alive: it starts with an error, and master starts it again only every minute`,
        );
      }
      proof.warn(
        `${namesOf(missing)} of before the reload still works; that it starts with the new files is not proven.`,
      );
      return;
    }
    await pause(LOOK_MS);
  }
}

function namesOf(services: readonly JudgedService[]): string {
  return [...new Set(services.map(({ daemon }) => daemon))].join(", ");
}

/** Is a child of master a process of this service? master names the service where its name is not the daemon's. */
function isOf({ name, daemon }: JudgedService, child: Process): boolean {
  if (daemonOf(child) !== daemon) return false;
  return name === daemon
    ? !/ -n /.test(child.command)
    : `${child.command} `.includes(` -n ${name} `);
}

/** Connects to the sockets of services, so that master starts their daemons. */
const CALL = `
use Socket;
my @held;
for my $path (@ARGV) {
  socket my $socket, PF_UNIX, SOCK_STREAM, 0 or next;
  connect $socket, sockaddr_un($path) and push @held, $socket;
}
sleep 2;
`;

async function call({ host }: Proof, sockets: readonly string[]): Promise<void> {
  if (sockets.length === 0) return;
  await host.run({ argv: ["/usr/bin/perl", "-e", CALL, ...sockets] });
}
