/** Whether Postfix and the base mailer serve is decided by what nobody else can forge, and is never guessed. */
import { forgetPlans } from "../../provider/driver/overlay";
import { startHost, type Release, type TestHost } from "../../testing";
import { bannerOf, connectionTo, packageOf, PARAMETERS, RELEASES, sh } from "../preview/server";
import {
  create,
  differs,
  failures,
  inputsOf,
  type Made,
  refresh,
  remove,
  said,
  update,
} from "./provider";

const BASE = { ...PARAMETERS, inet_interfaces: "127.0.0.1" };

/** Parameters that no check of Postfix finds wrong, and with which one daemon ends when it starts. */
const DEADLY: Readonly<
  Record<string, readonly (readonly [daemon: string, parameters: Record<string, string>])[]>
> = {
  "7.8": [
    ["qmgr", { maximal_queue_lifetime: "5D" }],
    // Nobody wakes this one: it is called by what smtpd is asked.
    ["cleanup", { delay_warning_time: "4H" }],
  ],
  "4.7": [
    ["qmgr", { maximal_queue_lifetime: "5D" }],
    ["pickup", { receive_override_options: "no_such_option" }],
  ],
};

interface Server {
  readonly host: TestHost;
  readonly mainCf: Made;
  readonly mailer: Made;
  readonly service: Made;
}

async function server(release: Release): Promise<Server> {
  const host = await startHost({ release });
  const connection = connectionTo(host);
  forgetPlans();
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf(release), connection));
  const mainCf = await create("MainCf", inputsOf("MainCf", { parameters: BASE }, connection));
  const mailer = await create("BaseMailer", inputsOf("BaseMailer", {}, connection));
  const service = await create("PostfixService", inputsOf("PostfixService", {}, connection));
  return { host, mainCf, mailer, service };
}

/** An `up` with these parameters: what it fails with, or "". */
async function up({ host, mainCf, service }: Server, parameters: object): Promise<string> {
  const connection = connectionTo(host);
  forgetPlans();
  // The judgement would refuse a deadly value of which it knows.
  const news = inputsOf("MainCf", { parameters, accept: ["value"] }, connection);
  if (await differs(mainCf, news)) await update(mainCf, news);
  const triggers = inputsOf("PostfixService", { triggers: [mainCf.props["revision"]] }, connection);
  try {
    await update(service, triggers);
    return "";
  } catch (error) {
    const { message, properties } = error as Error & { properties?: Record<string, unknown> };
    if (properties) service.props = properties;
    return message;
  }
}

/** A local user and a remote client who write into the mail log, for as long as the test runs. */
const FORGE = `
cat > /tmp/forge <<'X'
use IO::Socket::INET;
my @lines = ("fatal: x", "panic: x", "reload -- version 9", "daemon started -- version 9",
  (map { "warning: process /usr/local/libexec/postfix/$_ pid 99 exit status 1",
         "warning: /usr/local/libexec/postfix/$_: bad command startup -- throttling" }
    qw(smtpd qmgr pickup cleanup trivial-rewrite smtp local)));
while (-e "/tmp/forging") {
  chomp(my $pid = \`cat /tmp/masterpid\`);
  for my $line (@lines) { for my $p (1, $pid) { system "logger", "-p", "mail.info", "-t", "postfix/master[$p]", $line } }
  for my $line ("GET /master[1]: fatal: x HTTP/1.0", "HELO /master[$pid]: panic: x", "/smtpd[1]: fatal: x", "/smtpd: bad command startup -- throttling") {
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 2) or next;
    print $s "$line\\r\\n"; close $s;
  }
  select undef, undef, undef, 0.1;
}
X
: > /tmp/forging; chmod 644 /tmp/forge
tr -d ' \\n' < /var/spool/postfix/pid/master.pid > /tmp/masterpid; chmod 644 /tmp/masterpid
su alice -c 'perl /tmp/forge >/dev/null 2>&1 &'`;

const SPARE = "rm -f /tmp/forging; sleep 0.5";

/** A process of alice under a title of her own choice. */
const titled = (title: string): string =>
  `su alice -c "perl -e 'exit if fork; close \\$_ for *STDIN, *STDOUT, *STDERR; exec {q(/bin/sleep)} q(${title}), 600'"`;

/** Clients that hold every process of smtpd, and say nothing. */
const HOLD = `
cat > /tmp/hold <<'X'
use IO::Socket::INET;
my @held = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 5) } 1 .. 160;
exit if fork;
close $_ for *STDIN, *STDOUT, *STDERR;
sleep 300;
X
su alice -c 'perl /tmp/hold'
i=0; until [ "$(ps -axww -o command= | grep -c '^smtpd .*-t inet')" -ge 100 ] || [ $i -gt 300 ]; do sleep 0.1; i=$((i+1)); done`;

/** Clients that come by an address of Postfix alone, one after the other. */
const CALL = `
cat > /tmp/call <<'X'
use IO::Socket::INET;
exit if fork;
close $_ for *STDIN, *STDOUT, *STDERR;
while (-e "/tmp/calling") {
  my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.2:25", Timeout => 5) or next;
  my $greeting = <$s>;
  print $s "QUIT\\r\\n";
  select undef, undef, undef, 0.2;
}
X
: > /tmp/calling; perl /tmp/call`;

const SPARE_SMTPD = "pkill -f '^perl /tmp/hold'; true";

const mainCfOf = (host: TestHost): Promise<string> => sh(host, "cat /etc/postfix/main.cf");
/** A title that a base mailer's process has. */
const titleOf = (release: Release): string =>
  release === "7.8" ? "smtpd: x" : "sendmail: accepting connections";

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let one: Server;
  beforeAll(async () => {
    one = await server(release);
  });
  afterAll(() => one.host.stop());
  beforeEach(() => {
    forgetPlans();
    said();
  });

  test("lines that others write into the mail log roll nothing back: neither a client's nor logger(1)'s", async () => {
    await sh(one.host, FORGE);
    try {
      expect(await up(one, { ...BASE, biff: "no" })).toBe("");
      expect(await mainCfOf(one.host)).toMatch(/^biff = no$/m);
    } finally {
      await sh(one.host, SPARE);
    }
  });

  test.each(DEADLY[release] ?? [])(
    "a configuration with which %s ends at its start fails, and what served before comes back",
    async (daemon, parameters) => {
      const before = await mainCfOf(one.host);
      const message = await up(one, { ...BASE, ...parameters });
      expect(message).toMatch(
        new RegExp(`reload of Postfix failed: .*${daemon} does not stay alive`),
      );
      expect(message).toContain("Postfix serves again");
      expect(await mainCfOf(one.host)).toBe(before);
      await refresh(one.mainCf);
      await refresh(one.service);
      expect(await up(one, BASE)).toBe("");
    },
  );

  test("clients that hold all processes of smtpd roll nothing back: that is said, and Postfix serves", async () => {
    await sh(one.host, HOLD);
    try {
      expect(await up(one, { ...BASE, biff: "yes", default_process_limit: "100" })).toBe("");
      expect(said()).toMatch(/does not greet, because all \d+ processes there are busy/);
      expect(await mainCfOf(one.host)).toMatch(/^biff = yes$/m);
    } finally {
      await sh(one.host, SPARE_SMTPD);
    }
    expect(await up(one, BASE)).toBe("");
    expect(await bannerOf(one.host)).toMatch(/^220 /);
  });

  if (release === "7.8")
    test("a greeting of the base mailer, which listens on loopback beside Postfix, is not Postfix's", async () => {
      const { host } = one;
      expect(await up(one, { ...BASE, inet_interfaces: "all" })).toBe("");
      await sh(host, "rcctl -f start smtpd");
      // Clients of Postfix, whose children they keep alive.
      await sh(host, CALL);
      try {
        expect(await bannerOf(host)).toMatch(/^220 .*OpenSMTPD/);
        expect(await up(one, { ...BASE, inet_interfaces: "all", biff: "no" })).toMatch(
          /127\.0\.0\.1 port 25 is answered by another program, not by Postfix: "220 .*OpenSMTPD/,
        );
      } finally {
        await sh(host, "rm -f /tmp/calling; rcctl -f stop smtpd");
      }
      await refresh(one.mainCf);
      await refresh(one.service);
      expect(await up(one, BASE)).toBe("");
      expect(await bannerOf(host)).toMatch(/^220 .*Postfix/);
    });

  test("somebody else's process with the base mailer's title is not the base mailer: neither in the switch nor back", async () => {
    const { host, mailer, service } = one;
    await sh(host, titled(titleOf(release)));
    await refresh(mailer);
    expect(mailer.inputs["running"]).toBe(false);
    await remove(service);
    await remove(mailer);
    expect(await bannerOf(host)).toMatch(/^220 .*(Sendmail|OpenSMTPD)/);
    forgetPlans();
    const connection = connectionTo(host);
    const again = await create("BaseMailer", inputsOf("BaseMailer", {}, connection));
    expect(await sh(host, "ps -axww -o uid=,command= | grep -c '^ *1000 .*[:] '")).toBe("1\n");
    const served = await create("PostfixService", inputsOf("PostfixService", {}, connection));
    one = { ...one, mailer: again, service: served };
    expect(await bannerOf(host)).toMatch(/^220 .*Postfix/);
    await sh(host, "pkill -U alice sleep; true");
  });

  test("without ps nothing is known: the preview says so, nothing is changed, and nobody is said to serve", async () => {
    const { host } = one;
    const connection = connectionTo(host);
    await sh(host, "mv /bin/ps /bin/ps.away");
    try {
      for (const kind of ["BaseMailer", "PostfixService"]) {
        expect(await failures(kind, inputsOf(kind, {}, connection))).toMatch(
          /cannot be found out whether \S+ runs: the host has no \/bin\/ps/,
        );
        forgetPlans();
      }
      const { message } = await update(one.service, {
        ...one.service.news,
        triggers: ["x"],
      }).then(
        () => new Error(""),
        (error: unknown) => error as Error,
      );
      expect(message).toContain("the host has no /bin/ps");
      expect(message).not.toMatch(/Right now \S+ (is running|runs)/);
    } finally {
      await sh(host, "mv /bin/ps.away /bin/ps");
    }
    expect(await bannerOf(host)).toMatch(/^220 .*Postfix/);
  });
});
