/** What runs on the host during the bench: two programs that submit numbered messages, and what is counted afterwards. */
import type { TestHost } from "../../testing";

/** How mail is submitted. */
export const CHANNELS = ["smtp", "local"] as const;
export type Channel = (typeof CHANNELS)[number];

const FOLDER = "/tmp/bench";

/**
 * Submits messages at a pace, one after the other, and notes the time of each that was acknowledged: as many as wanted, and
 * more until it is told that it is enough.
 */
const SUBMIT = `
use strict; use warnings; use IO::Socket::INET; use Time::HiRes qw(time sleep);
my ($channel, $count, $pace) = @ARGV;
open my $log, ">>", "${FOLDER}/$channel.log" or die; $log->autoflush(1);
sub text { my ($id) = @_; return "Subject: bench\\nX-Bench: $id\\n\\nbench\\n" }
sub by_smtp {
  my ($id) = @_;
  my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 20) or return 0;
  local $SIG{ALRM} = sub { die };
  my $good = eval {
    alarm 30;
    my $reply = sub { my $line; do { $line = <$s> } while defined $line && $line =~ /^...-/; return defined $line && $line =~ /^[23]/ };
    $reply->() or die;
    for my $command ("EHLO localhost", "MAIL FROM:<bench\\@localhost>", "RCPT TO:<alice\\@localhost>", "DATA") { print $s "$command\\r\\n"; $reply->() or die }
    (my $body = text($id)) =~ s/\\n/\\r\\n/g;
    print $s "$body.\\r\\n";
    my $taken = $reply->();
    print $s "QUIT\\r\\n";
    $taken;
  };
  alarm 0;
  return $good;
}
sub by_sendmail {
  my ($id) = @_;
  open my $pipe, "|-", "/usr/sbin/sendmail -f bench\\@localhost alice\\@localhost >/dev/null 2>&1" or return 0;
  print $pipe text($id);
  return close $pipe;
}
$SIG{PIPE} = "IGNORE";
my $next = time;
for (my $n = 1; $n <= $count || !-e "${FOLDER}/enough"; $n++) {
  my $id = "$channel-$n";
  my $good = $channel eq "smtp" ? by_smtp($id) : by_sendmail($id);
  printf $log "%.3f %s %s\\n", time, $good ? "ok" : "no", $id;
  $next += 1 / $pace;
  my $wait = $next - time;
  if ($wait > 0) { sleep $wait } else { $next = time }
}
print $log "end\\n";
`;

/** Starts the submitters: so many messages each, so many a second. */
export async function startSubmitters(
  host: TestHost,
  count: Readonly<Record<Channel, number>>,
  pace: Readonly<Record<Channel, number>>,
): Promise<void> {
  await host.exec(["/bin/sh", "-c", `mkdir -p ${FOLDER}; cat > ${FOLDER}/submit`], {
    stdin: SUBMIT,
  });
  for (const channel of CHANNELS) {
    const words = `${channel} ${count[channel]} ${pace[channel]}`;
    const script = `exec >/dev/null 2>&1 </dev/null; perl ${FOLDER}/submit ${words} &`;
    await host.exec(["/bin/sh", "-c", script]);
  }
}

/** Lets the submitters end once each has submitted its messages. */
export async function enough(host: TestHost): Promise<void> {
  await host.exec(["/usr/bin/touch", `${FOLDER}/enough`]);
}

/** A channel's log so far. */
export interface Submitted {
  readonly tried: number;
  readonly acknowledged: ReadonlySet<string>;
  readonly ended: boolean;
  /** Seconds since 1970 of each acknowledgement. */
  readonly times: readonly number[];
}

export async function submitted(host: TestHost, channel: Channel): Promise<Submitted> {
  const { stdout } = await host.exec(["/bin/sh", "-c", `cat ${FOLDER}/${channel}.log; true`]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  const tries = lines.filter((line) => line !== "end").map((line) => line.split(" "));
  const good = tries.filter(([, is]) => is === "ok");
  return {
    tried: tries.length,
    acknowledged: new Set(good.map(([, , id = ""]) => id)),
    ended: lines.includes("end"),
    times: good.map(([time]) => Number(time)),
  };
}

/** The longest time between two acknowledgements within a span, in seconds. */
export function longestGap({ times }: Submitted, from: number, to: number): number {
  const within = [from, ...times.filter((time) => time >= from && time <= to), to];
  return within.slice(1).reduce((gap, time, at) => Math.max(gap, time - (within[at] ?? time)), 0);
}

/** How often each message is in alice's mailbox. */
export async function delivered(host: TestHost): Promise<ReadonlyMap<string, number>> {
  const script = "grep -h '^X-Bench: ' /var/mail/alice; true";
  const { stdout } = await host.exec(["/bin/sh", "-c", script]);
  const found = new Map<string, number>();
  for (const line of stdout.split("\n")) {
    const id = line.replace(/^X-Bench: /, "").trim();
    if (id !== "") found.set(id, (found.get(id) ?? 0) + 1);
  }
  return found;
}

/** The messages of the bench that wait in any mailer's queue. */
export async function waiting(host: TestHost): Promise<ReadonlySet<string>> {
  const folders =
    "/var/spool/postfix /var/spool/smtpd/offline /var/spool/smtpd/queue /var/spool/mqueue /var/spool/clientmqueue";
  const script = `grep -rhao 'X-Bench: [a-z]*-[0-9]*' ${folders} 2>/dev/null; true`;
  const { stdout } = await host.exec(["/bin/sh", "-c", script]);
  return new Set([...stdout.matchAll(/^X-Bench: (.*)$/gm)].map(([, id = ""]) => id));
}

/** The number of messages that wait in any mailer's queue. */
export async function queued(host: TestHost): Promise<number> {
  const folders = [
    "/var/spool/postfix/maildrop /var/spool/postfix/incoming /var/spool/postfix/active /var/spool/postfix/deferred",
    "/var/spool/smtpd/offline /var/spool/smtpd/queue /var/spool/mqueue /var/spool/clientmqueue",
  ].join(" ");
  const script = `find ${folders} -type f ! -name 'xf*' ! -name 'df*' 2>/dev/null | grep -c -v '/message$'; true`;
  const { stdout } = await host.exec(["/bin/sh", "-c", script]);
  return Number(stdout.trim());
}
