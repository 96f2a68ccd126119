/** MailCheck against real Postfix: what it proves, what it leaves behind, and what it says when mail does not arrive. */
import { readFileSync } from "node:fs";
import { forgetSecrets } from "../../provider/driver/secrets/known";
import { connect } from "../../provider/host/pool";
import { Client } from "ssh2";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { type LocalServer, startLocalServer } from "../localServer";
import { connectionTo, packageOf, PARAMETERS, RELEASES, sh } from "../preview/server";
import { create, inputsOf, type Made, refresh, said, update } from "./provider";

const ALIASES = {
  root: ["alice"],
  team: ["alice", "bob"],
  robot: ['"|cat >/dev/null"'],
  hidden: ['"|cat >/dev/null; : tok-9911"'],
  archive: ["/var/tmp/archive"],
};

/** Real servers: a machine under load may be late once, and says so before it tries again. */
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;

  beforeAll(async () => {
    host = await startHost({ release });
    const steps: [string, Record<string, unknown>][] = [
      ["PostfixPackage", packageOf(release)],
      ["Aliases", { entries: ALIASES, secretPaths: ["entries.hidden"] }],
      [
        "MainCf",
        {
          parameters: {
            ...PARAMETERS,
            mydestination: "$myhostname, localhost.$mydomain, localhost, $mydomain",
            alias_maps: "hash:/etc/postfix/aliases",
            alias_database: "hash:/etc/postfix/aliases",
          },
        },
      ],
      ["ChrootResolv", {}],
      ["BaseMailer", {}],
      ["MailerConf", {}],
      ["RcConfLocal", {}],
      ["PostfixService", {}],
    ];
    for (const [kind, args] of steps) await create(kind, inputsOf(kind, args, connectionTo(host)));
  });
  afterAll(() => host.stop());

  const news = (args: Record<string, unknown>): Record<string, unknown> =>
    inputsOf("MailCheck", { timeoutSeconds: 20, ...args }, connectionTo(host));
  const check = (args: Record<string, unknown>): Promise<Made> => create("MailCheck", news(args));
  const failure = async (args: Record<string, unknown>): Promise<string> => {
    const thrown: unknown = await check(args).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(thrown instanceof Error)) throw new Error("the check has found nothing wrong");
    return thrown.message;
  };
  const log = async (): Promise<string> => sh(host, "cat /var/log/maillog");
  const box = async (path = "/var/mail/alice"): Promise<string> => sh(host, `cat ${path}`);
  const clear = "rm -rf /var/mail/alice /var/mail/bob /var/tmp/archive";

  /** Parameters of main.cf for the time of some work, and back. */
  async function with_(parameters: readonly string[], work: () => Promise<void>): Promise<void> {
    const set = parameters.map((one) => `/usr/local/sbin/postconf -e '${one}'`).join(" && ");
    await sh(
      host,
      `cp -p /etc/postfix/main.cf /root/main.cf && ${set} && /usr/local/sbin/postfix reload && sleep 1`,
    );
    try {
      await work();
    } finally {
      await sh(host, "mv /root/main.cf /etc/postfix/main.cf && /usr/local/sbin/postfix reload");
      await sh(host, "/usr/local/sbin/postsuper -d ALL; sleep 1");
    }
  }

  test("a message to an alias is proven from the banner to the mailbox, and leaves no trace", async () => {
    await sh(host, clear);
    const before = await host.snapshot();
    const { props } = await check({ recipient: "root" });
    expect(props).toMatchObject({
      banner: expect.stringMatching(/^220 myhost\.example\.org ESMTP Postfix/) as string,
      mailbox: "/var/mail/alice",
      originalTo: "root@localhost",
      deliveredTo: expect.stringMatching(/^root@localhost/) as string,
      fromOutside: null,
    });
    expect(props["capabilities"]).toContain("PIPELINING");
    const id = props["queueId"] as string;
    expect(props["delivery"]).toMatch(
      new RegExp(`${id}: to=<alice@example.org>, .*status=sent \\(delivered to mailbox\\)$`),
    );
    expect((props["log"] as string[]).at(-1)).toMatch(new RegExp(`${id}: removed$`));
    expect(props["transcript"]).toEqual(
      expect.arrayContaining([
        "> EHLO localhost",
        "> MAIL FROM:<>",
        "> RCPT TO:<root@localhost>",
        "> Subject: Test message of pulumi-openbsd-postfix",
        expect.stringMatching(`^< 250 2.0.0 Ok: queued as ${id}$`),
        "> QUIT",
      ]),
    );
    expect(props["elapsedSeconds"]).toBeGreaterThan(0);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("a message to several people is looked for, and removed, at each of them", async () => {
    await sh(host, `${clear}; : > /var/mail/bob; chown bob /var/mail/bob; chmod 600 /var/mail/bob`);
    const before = await host.snapshot();
    const { props } = await check({ recipient: "team" });
    expect((props["mailbox"] as string).split("; ").sort()).toEqual([
      "/var/mail/alice",
      "/var/mail/bob",
    ]);
    // What was there and empty is there and empty; what came with the message is gone.
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("mail that arrives meanwhile is all there, and mail that was there is untouched to the byte", async () => {
    await sh(host, clear);
    const old = "From someone Mon Jan  5 10:00:00 2026\nSubject: old\n\n>From here\nFrom there\n\n";
    await host.exec(
      ["/bin/sh", "-c", "umask 077; cat > /var/mail/alice; chown alice /var/mail/alice"],
      {
        stdin: old,
      },
    );
    const flood = sh(
      host,
      `i=0; while [ $i -lt 40 ]; do i=$((i + 1)); printf 'Subject: n%s\\n\\nFrom me\\n' $i | /usr/local/sbin/sendmail alice; done`,
    );
    await check({ recipient: "alice" });
    await check({ recipient: "alice" });
    await flood;
    await sh(
      host,
      "/usr/local/sbin/postqueue -f; i=0; while [ $i -lt 100 ]; do i=$((i + 1)); [ $(grep -c ^Subject: /var/mail/alice) = 41 ] && exit 0; sleep 0.2; done; exit 1",
    );
    const text = await box();
    expect(text.startsWith(old)).toBe(true);
    expect(text).not.toContain("pulumi-openbsd-postfix");
    for (let index = 1; index <= 40; index += 1)
      expect(text.split(`\nSubject: n${index}\n`)).toHaveLength(2);
    expect(text.match(/^From /gm)).toHaveLength(41 + 1);
    expect(await sh(host, "ls /var/mail")).not.toContain(".lock");
  });

  test("a message that is to be kept is, also from later checks; one left by a cut run goes", async () => {
    await sh(host, clear);
    await check({ recipient: "alice", keep: true });
    const kept = await box();
    expect(kept).toMatch(/^Message-Id: <kept-[0-9a-f]{12}@pulumi-openbsd-postfix\.invalid>$/m);
    const left = kept.replace("<kept-", "<");
    await host.exec(["/bin/sh", "-c", "cat >> /var/mail/alice"], { stdin: left });
    said();
    await check({ recipient: "alice" });
    expect(said()).toContain("removed 1 test message(s) of an earlier, interrupted run");
    expect(await box()).toBe(kept);
    await sh(host, clear);
  });

  test("a maildir and an mbox in the user's home are looked into as the user", async () => {
    await with_(["home_mailbox = Maildir/"], async () => {
      const before = await host.snapshot();
      const made = await check({ recipient: "root" });
      expect(made.props).toMatchObject({
        mailbox: "/home/alice/Maildir",
        deliveredTo: expect.stringMatching(/^root@localhost/) as string,
      });
      expect(diffTrees(before, await host.snapshot())).toEqual([]);
    });
    await with_(["home_mailbox = inbox"], async () => {
      const before = await host.snapshot();
      expect((await check({ recipient: "alice" })).props).toMatchObject({
        mailbox: "/home/alice/inbox",
      });
      expect(diffTrees(before, await host.snapshot())).toEqual([]);
    });
  });

  test("a user's link is not followed: the check says so, and nothing behind it is touched", async () => {
    await sh(host, "printf 'secret\\n' > /root/target; ln -s /root/target /home/alice/inbox");
    await with_(["home_mailbox = inbox"], async () => {
      expect(await failure({ recipient: "alice" })).toMatch(/inbox|mailbox/);
    });
    expect(await sh(host, "cat /root/target; rm /root/target /home/alice/inbox")).toBe("secret\n");
  });

  test("mail for a command or a file is followed by the log, and the mailbox says why it was not looked for", async () => {
    const command = (await check({ recipient: "robot" })).props;
    expect(command["mailbox"]).toMatch(/^not looked for: local took it \("delivered to command/);
    const file = (await check({ recipient: "archive" })).props;
    expect(file["mailbox"]).toMatch(/^not looked for: local took it \("delivered to file/);
    await sh(host, clear);
  });

  test("the secret of an alias that another run made is in nothing that the log gives", async () => {
    forgetSecrets();
    const { props } = await check({ recipient: "hidden" });
    expect(props["delivery"]).toMatch(/status=sent \(delivered to command: \[secret\]\)$/);
    expect(JSON.stringify(props)).not.toContain("tok-9911");
    // It was there to be found: in the log, and on the host in the files that must hold it only.
    expect(await log()).toContain("tok-9911");
    const holders = await sh(host, "grep -rlF tok-9911 /etc /var/db /var/spool/postfix || true");
    expect(
      holders.split("\n").filter((file) => !/^(\/etc\/postfix\/aliases(\.db)?)?$/.test(file)),
    ).toEqual([]);
  });

  test("a message that goes on under another queue id is followed", async () => {
    await sh(host, "cp -p /etc/postfix/master.cf /root/master.cf");
    await sh(
      host,
      "printf 'elsewhere unix - n n - - local\\n' >> /etc/postfix/master.cf; echo 'bob@example.org elsewhere:' > /root/transport; /usr/local/sbin/postmap hash:/root/transport",
    );
    await with_(["transport_maps = hash:/root/transport"], async () => {
      const { props } = await check({ recipient: "team" });
      const lines = (props["log"] as string[]).join("\n");
      const next = /forwarded as (\w+)/.exec(lines)?.[1] ?? "none";
      expect(next).not.toBe("none");
      expect(lines).toContain(`${next}: removed`);
      expect(props["mailbox"]).toContain("/var/mail/alice");
    });
    await sh(host, `mv /root/master.cf /etc/postfix/master.cf; rm /root/transport*; ${clear}`);
  });

  test("a log that is rotated meanwhile is followed", async () => {
    const rotate =
      "sleep 0.3; mv /var/log/maillog /var/log/maillog.0; : > /var/log/maillog; kill -HUP $(cat /var/run/syslog.pid)";
    const [{ props }] = await Promise.all([check({ recipient: "alice" }), sh(host, rotate)]);
    expect(props["mailbox"]).toBe("/var/mail/alice");
    await sh(host, "rm -f /var/log/maillog.0");
  });

  test("reading it sends no mail; a changed trigger does, and nothing else", async () => {
    const made = await check({ recipient: "alice", triggers: [1] });
    const before = await log();
    await refresh(made);
    await update(made);
    expect(await log()).toBe(before);
    await update(made, news({ recipient: "alice", triggers: [2] }));
    expect((await log()).slice(before.length)).toContain("removed");
  });

  describe("a line that is cut", () => {
    let bytes = 0;
    beforeAll(async () => {
      await sh(host, clear);
      await connect(connectionTo(host) as never);
      const before = (await host.line.counters()).bytesFromClient;
      await check({ recipient: "alice" });
      bytes = (await host.line.counters()).bytesFromClient - before;
    });
    afterAll(() => sh(host, clear));

    test.each([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])(
      "at %d of a check is an error that tells it, and the next check finds its way and cleans up",
      async (part) => {
        await connect(connectionTo(host) as never);
        await host.line.cut({ from: "client", bytes: Math.round(part * bytes) });
        await check({ recipient: "alice" }).catch((error: unknown) => {
          const { message } = error as Error;
          expect(message).toContain(`root@127.0.0.1:${host.port}`);
          expect(message).toMatch(/ECONNRESET|connection was (lost|closed)|connection broke/);
          expect(message).toMatch(/Nothing was changed|is not known|are in place/);
        });
        await host.line.cut();
        await sh(host, "/usr/local/sbin/postqueue -f; sleep 0.3");
        await check({ recipient: "alice" });
        expect(await sh(host, "cat /var/mail/alice 2>/dev/null; true")).toBe("");
        expect(await sh(host, "ls -A /var/mail")).not.toMatch(/lock|pulumi/);
      },
    );
  });

  describe("from where Pulumi runs", () => {
    let proxy: LocalServer;
    let ssh: Client;
    beforeAll(async () => {
      ssh = new Client();
      await new Promise<void>((resolve, reject) => {
        ssh.once("ready", resolve).once("error", reject);
        ssh.connect({
          host: host.host,
          port: host.port,
          username: host.user,
          privateKey: readFileSync(host.privateKeyPath),
        });
      });
      proxy = await startLocalServer((socket) => {
        ssh.forwardOut("127.0.0.1", 1, "127.0.0.1", 25, (error, channel) => {
          if (error) socket.destroy();
          else socket.pipe(channel).pipe(socket);
        });
      });
    });
    afterAll(async () => {
      ssh.end();
      await proxy.close();
    });

    test("a second message is handed in and followed in the same way", async () => {
      const { port } = proxy;
      const { props } = await check({ recipient: "alice", outside: { port } });
      const outside = props["fromOutside"] as Record<string, unknown>;
      expect(outside).toMatchObject({
        banner: props["banner"],
        mailbox: "/var/mail/alice",
        deliveredTo: props["deliveredTo"],
      });
      expect(outside["queueId"]).not.toBe(props["queueId"]);
    });

    test("a port that nobody answers on is told with what could be in the way", async () => {
      const message = await failure({ recipient: "alice", outside: { port: 1 } });
      expect(message).toMatch(
        /127\.0\.0\.1 port 1 from where Pulumi runs: the connection failed: .*ECONNREFUSED/,
      );
      expect(message).toContain("firewall");
    });
  });

  describe("what goes wrong is named by its step, with the words of the server or the log", () => {
    test("a recipient who is not there", async () => {
      const message = await failure({ recipient: "nosuchuser" });
      expect(message).toMatch(
        /: RCPT TO failed: the server said "550 5\.1\.1 <nosuchuser@localhost>/,
      );
      expect(message).toContain("a local user or an alias");
      expect(message).toContain("Nothing was changed on the host by this");
    });

    test("a server that puts the recipient off", async () => {
      await with_(
        [
          "smtpd_recipient_restrictions = defer_if_permit, permit_mynetworks, reject_unauth_destination, defer",
        ],
        async () => {
          const message = await failure({ recipient: "alice" });
          expect(message).toMatch(/: RCPT TO failed: the server said "450 /);
          expect(message).toContain("greylisting");
        },
      );
    });

    test("a sender who is refused", async () => {
      await with_(["smtpd_sender_restrictions = reject", "smtpd_delay_reject = no"], async () => {
        expect(await failure({ recipient: "alice", sender: "a@example.org" })).toMatch(
          /: MAIL FROM failed: the server said "554 /,
        );
      });
    });

    test("a message that is refused after DATA", async () => {
      await sh(host, "echo '/^Subject: Test/ REJECT no tests' > /root/checks");
      await with_(["header_checks = regexp:/root/checks"], async () => {
        expect(await failure({ recipient: "alice" })).toMatch(
          /: the message after DATA failed: the server said "550 5\.7\.1 no tests"/,
        );
      });
      await sh(host, "rm /root/checks");
    });

    test("a port that nobody listens on", async () => {
      const message = await failure({ recipient: "alice", port: 2 });
      expect(message).toMatch(
        /127\.0\.0\.1 port 2 on the host: the connection failed: cannot connect to .*refused; Postfix's master is running/,
      );
    });

    test("a service that says nothing", async () => {
      const silent =
        "use IO::Socket::INET; $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:2525', ReuseAddr => 1) or die; while ($c = $s->accept) { push @c, $c }";
      const listening = host.exec(["/usr/bin/perl", "-e", `alarm 30; ${silent}`]);
      await sh(host, "sleep 1");
      const message = await failure({ recipient: "alice", port: 2525, timeoutSeconds: 2 });
      expect(message).toMatch(/: the greeting failed: /);
      await sh(host, "pkill -f 127.0.0.1:2525");
      await listening;
    });

    test("a delivery that is put off, with the reason and the queue id", async () => {
      await with_(["mailbox_transport = lmtp:unix:/nowhere"], async () => {
        const message = await failure({ recipient: "alice" });
        expect(message).toMatch(/the delivery of message \w+ failed: it is deferred: .*\/nowhere/);
        expect(message).toMatch(/postsuper -d \w+/);
      });
    });

    test("a mailbox that cannot be written", async () => {
      await sh(host, "rm -f /var/mail/alice; mkdir /var/mail/alice");
      const message = await failure({ recipient: "alice" });
      expect(message).toMatch(/the delivery of message \w+ failed: .*\/var\/mail\/alice/);
      await sh(host, "rmdir /var/mail/alice; /usr/local/sbin/postsuper -d ALL");
    });

    test("a mailbox that is full", async () => {
      await sh(
        host,
        'perl -e \'print "From x\\n\\n", "x" x 70000, "\\n\\n"\' > /var/mail/alice; chown alice /var/mail/alice; chmod 600 /var/mail/alice',
      );
      await with_(["mailbox_size_limit = 65536", "message_size_limit = 60000"], async () => {
        expect(await failure({ recipient: "alice" })).toMatch(
          /the delivery of message \w+ failed: .*(too big|too large|size)/i,
        );
      });
      await sh(host, clear);
    });

    test("a queue that does not move", async () => {
      await with_(["defer_transports = local"], async () => {
        expect(await failure({ recipient: "alice", timeoutSeconds: 3 })).toMatch(
          /the delivery of message \w+ failed: /,
        );
      });
    });

    test("Postfix stopped, and who runs instead of it", async () => {
      await sh(host, "/usr/local/sbin/postfix stop");
      const message = await failure({ recipient: "alice" });
      expect(message).toMatch(
        /Postfix's master is not running, and (smtpd|sendmail) of the base system is/,
      );
    });

    test("a log that says nothing", async () => {
      await sh(
        host,
        "/usr/local/sbin/postfix start >/dev/null 2>&1; kill $(cat /var/run/syslog.pid); sleep 1",
      );
      const message = await failure({ recipient: "alice", timeoutSeconds: 3 });
      expect(message).toMatch(/the queue: following message \w+ failed: \/var\/log\/maillog/);
    });
  });
});
