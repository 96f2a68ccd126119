/** MailCheck against real Postfix: what it proves, what it leaves behind, and what it says when mail does not arrive. */
import { readFileSync } from "node:fs";
import { forgetSecrets } from "../../provider/driver/secrets/known";
import { connect } from "../../provider/host/pool";
import { Client } from "ssh2";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { CertificateMaker } from "../certificates";
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

/** A connection of its own, over which ports of the host are reached. */
async function sshTo(host: TestHost): Promise<Client> {
  const ssh = new Client();
  await new Promise<void>((resolve, reject) => {
    ssh.once("ready", resolve).once("error", reject);
    ssh.connect({
      host: host.host,
      port: host.port,
      username: host.user,
      privateKey: readFileSync(host.privateKeyPath),
    });
  });
  return ssh;
}

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
    await sh(host, "printf 'secret\\n' > /root/target; ln -sf /root/target /home/alice/inbox");
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

  describe("a submission, encrypted and logged in", () => {
    const maker = new CertificateMaker();
    const ca = maker.issue({ name: "A root", keyKind: "rsa", isCa: true });
    const name = "myhost.example.org";
    const { certificate, key } = maker.issue({ name, keyKind: "rsa", by: ca });
    const password = 'pa55 "w\\ord-9911';
    const login = { user: "alice", password };
    const submitted = {
      ...{ recipient: "alice", port: 587, login, secretPaths: ["login.password"] },
      ...{ tlsName: name, tlsCa: ca.certificate },
    };
    /** The password as it may stand in a dialogue. */
    const spelt = [
      password,
      ...[password, `\0alice\0${password}`].map((text) => Buffer.from(text).toString("base64")),
      JSON.stringify(password).slice(1, -1),
    ];
    let authentication: Promise<unknown>;
    let ssh: Client;
    let proxy: LocalServer;

    /** Speaks Dovecot's protocol of authentication, as Postfix's client of it does, and notes who has asked. */
    const AUTHENTICATION = `
      use strict; use IO::Socket::UNIX; use MIME::Base64;
      my ($path, $password) = @ARGV;
      unlink $path; umask 0;
      my $server = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die "$path: $!";
      $SIG{CHLD} = 'IGNORE'; alarm 300;
      open my $pid, '>', '/root/auth.pid'; print $pid $$; close $pid;
      while (1) {
        my $client = $server->accept or next;
        next if fork;
        $client->autoflush(1);
        print $client "VERSION\\t1\\t1\\nMECH\\tPLAIN\\tplaintext\\nMECH\\tLOGIN\\tplaintext\\nSPID\\t1\\nCUID\\t1\\nDONE\\n";
        while (my $line = <$client>) {
          next unless $line =~ /^AUTH\\t(\\d+)\\tPLAIN\\t.*\\bresp=(\\S+)/;
          my ($id, undef, $user, $given) = ($1, split /\\0/, decode_base64($2));
          open my $log, '>>', '/root/auth.log'; print $log "$user\\n"; close $log;
          print $client $given eq $password ? "OK\\t$id\\tuser=$user\\n" : "FAIL\\t$id\\tuser=$user\\n";
        }
        exit;
      }`.replaceAll("\\\\", "\\");

    beforeAll(async () => {
      await sh(
        host,
        `${clear}; cp -p /etc/postfix/master.cf /etc/postfix/main.cf /root/ && cat > /root/tls.pem <<'END'\n${certificate}${key}END`,
      );
      const overrides = [
        ...[
          "smtpd_sasl_auth_enable=yes",
          "smtpd_sasl_type=dovecot",
          "smtpd_sasl_path=private/auth",
        ],
        ...["smtpd_tls_auth_only=yes", "smtpd_tls_cert_file=/root/tls.pem"],
        "smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
      ].map((one) => `  -o ${one}\n`);
      const services = [
        `587 inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt\n${overrides.join("")}`,
        `465 inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n${overrides.join("")}`,
        "588 inet n - n - - smtpd\n  -o smtpd_tls_security_level=may\n  -o smtpd_tls_cert_file=/root/tls.pem\n",
      ].join("");
      await sh(
        host,
        `cat >> /etc/postfix/master.cf <<'END'\n${services}END\n/usr/local/sbin/postfix reload && sleep 1`,
      );
      const words = ["-e", AUTHENTICATION, "/var/spool/postfix/private/auth", password];
      authentication = host.exec(["/usr/bin/perl", ...words]);
      await sh(
        host,
        "i=0; until [ -f /root/auth.pid ] || [ $i -gt 50 ]; do i=$((i + 1)); sleep 0.1; done",
      );
      ssh = await sshTo(host);
      proxy = await startLocalServer((socket) => {
        ssh.forwardOut("127.0.0.1", 1, "127.0.0.1", 587, (error, channel) => {
          if (error) socket.destroy();
          else socket.pipe(channel).pipe(socket);
        });
      });
    });
    beforeEach(() => sh(host, "rm -f /root/auth.log"));
    afterAll(async () => {
      ssh.end();
      await proxy.close();
      maker.clean();
      await sh(
        host,
        "kill $(cat /root/auth.pid); rm -f /root/auth.* /root/tls.pem /var/spool/postfix/private/auth; mv /root/master.cf /root/main.cf /etc/postfix/; /usr/local/sbin/postfix reload; sleep 1",
      );
      await authentication;
    });

    const asked = async (): Promise<string> => sh(host, "cat /root/auth.log 2>/dev/null || true");

    function expectNoPassword(text: string): void {
      for (const one of spelt) expect(text.includes(one)).toBe(false);
    }

    const session = {
      protocol: expect.stringMatching(/^TLSv1\.[23]$/) as string,
      cipher: expect.stringMatching(/./) as string,
      certificate: {
        ...{ subject: `CN=${name}`, names: [name] },
        notAfter: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        fingerprint: expect.stringMatching(/^[0-9A-F:]{95}$/) as string,
      },
      authorized: true,
    };

    test.each([
      ["by STARTTLS", 587],
      ["from the first byte", 465],
    ])(
      "%s: the message arrives, and the password is in nothing that is kept",
      async (_how, port) => {
        said();
        const { props, inputs } = await check({ ...submitted, port });
        expect(props).toMatchObject({ mailbox: "/var/mail/alice", tlsSession: session });
        const lines = props["transcript"] as string[];
        expect(lines).toContain("> AUTH PLAIN [secret]");
        expect(lines.includes("> STARTTLS")).toBe(port === 587);
        expect(lines.some((line) => line.startsWith("< 235 "))).toBe(true);
        expect(await asked()).toBe("alice\n");
        expect(inputs["login"]).toEqual(login);
        const { login: _, ...kept } = props;
        expectNoPassword([JSON.stringify(kept), said(), await log()].join("\n"));
      },
    );

    test("also from where Pulumi runs", async () => {
      const { props } = await check({ ...submitted, outside: { port: proxy.port } });
      expect(props["fromOutside"]).toMatchObject({
        mailbox: "/var/mail/alice",
        tlsSession: session,
      });
      expect(await asked()).toBe("alice\nalice\n");
    });

    test("a wrong password is the server's refusal, and is not said", async () => {
      const other = "another-pa55word";
      const message = await failure({ ...submitted, login: { user: "alice", password: other } });
      expect(message).toMatch(/587 on the host: the login \(AUTH\) failed: the server said "535 /);
      expect(message).toContain("> AUTH PLAIN [secret]");
      expect(message).toContain("smtpd_sasl_path");
      expect(message).not.toContain(other);
      expect(message).not.toContain(Buffer.from(`\0alice\0${other}`).toString("base64"));
    });

    test.each([
      ["an authority that nobody knows", { tlsCa: undefined }, /who has signed it is .*trusted/],
      [
        "another name",
        { tlsName: "mail.example.org" },
        /it is not valid for that name \(tlsName\)/,
      ],
      [
        "another authority",
        { tlsCa: maker.issue({ name: "Another", keyKind: "rsa", isCa: true }).certificate },
        /not trusted for myhost\.example\.org: who has signed it/,
      ],
      ["another name, from the first byte", { tlsName: "x", port: 465 }, /not valid for that name/],
    ])("a certificate of %s ends it before the login", async (_what, args, reason) => {
      const message = await failure({ ...submitted, ...args });
      expect(message).toMatch(/: TLS failed: the server's certificate is not trusted for /);
      expect(message).toMatch(reason);
      expect(message).toMatch(
        /It is of "CN=myhost\.example\.org", for myhost\.example\.org, valid/,
      );
      expect(message).toContain("Nothing of the login and the message was sent");
      expect(message).not.toContain("> AUTH");
      expect(await asked()).toBe("");
    });

    test("its own certificate may be the one to trust", async () => {
      const { props } = await check({ ...submitted, tlsCa: certificate + ca.certificate });
      expect(props["tlsSession"]).toMatchObject({ authorized: true });
    });

    test("a server without TLS, or with another way to it, gets nothing", async () => {
      const { login: _, ...plain } = submitted;
      expect(await failure({ ...plain, port: 25, tls: "starttls" })).toMatch(
        /25 on the host: TLS failed: the server said "50\d /,
      );
      expect(await failure({ ...plain, port: 25, tls: "implicit" })).toMatch(
        /25 on the host: TLS failed: .*wrong version number/,
      );
      // 465 waits for the client's hello, and the client for a greeting.
      expect(await failure({ ...plain, port: 465, tls: "starttls", timeoutSeconds: 2 })).toMatch(
        /465 on the host: the greeting failed: /,
      );
    });

    test("a server that lets nobody log in", async () => {
      expect(await failure({ ...submitted, port: 588 })).toMatch(
        /588 on the host: the login \(AUTH\) failed: the server offers no AUTH/,
      );
    });
  });

  describe("a virtual mailbox", () => {
    const BOX = "/var/vmail/virtual.example";
    const parameters = [
      ...["virtual_mailbox_domains = virtual.example", "virtual_mailbox_base = /var/vmail"],
      "virtual_mailbox_maps = hash:/etc/postfix/vmaps",
      ...["virtual_uid_maps = static:5000", "virtual_gid_maps = static:5000"],
    ];
    beforeAll(() =>
      sh(
        host,
        `mkdir -p ${BOX} && chown -R 5000:5000 /var/vmail && printf 'info@virtual.example virtual.example/info/\nbox@virtual.example virtual.example/box\n' > /etc/postfix/vmaps && /usr/local/sbin/postmap hash:/etc/postfix/vmaps`,
      ),
    );
    afterAll(() => sh(host, "rm -rf /var/vmail /etc/postfix/vmaps*"));

    test.each([
      ["a maildir that it makes", "info@virtual.example", "info", ""],
      ["a maildir that is there", "info@virtual.example", "info", "maildir"],
      ["a maildir, by an address with an extension", "info+x@virtual.example", "info", "maildir"],
      ["an mbox", "box@virtual.example", "box", ""],
    ])("%s", async (_what, recipient, name, kind) => {
      const folders = ["cur", "new", "tmp"].map((part) => `${BOX}/${name}/${part}`).join(" ");
      if (kind === "maildir")
        await sh(host, `mkdir -p ${folders} && chown -R 5000:5000 ${BOX} && chmod -R 0700 ${BOX}`);
      await with_([...parameters, "recipient_delimiter = +"], async () => {
        const before = await host.snapshot();
        const { props } = await check({ recipient, deliveredBy: "mailbox" });
        expect(props).toMatchObject({
          ...{ mailbox: `${BOX}/${name}`, relay: null, originalTo: recipient },
          delivery: expect.stringMatching(/relay=virtual, .*status=sent \(delivered to /) as string,
        });
        expect(diffTrees(before, await host.snapshot())).toEqual([]);
      });
      await sh(host, `rm -rf ${BOX}/${name}`);
    });

    test("a link in the place of a message is not followed", async () => {
      await sh(
        host,
        `mkdir -p ${BOX}/info/new ${BOX}/info/cur ${BOX}/info/tmp && printf 'Message-Id: <ab12@pulumi-openbsd-postfix.invalid>\n\n' > /root/target && ln -sf /root/target ${BOX}/info/new/1 && chown -R 5000:5000 ${BOX}`,
      );
      await with_(parameters, async () => {
        await check({ recipient: "info@virtual.example" });
        expect(await sh(host, `ls ${BOX}/info/new && cat /root/target`)).toMatch(/^1\nMessage-Id/);
      });
      await sh(host, `rm -rf ${BOX}/info /root/target`);
    });
  });

  describe("another server", () => {
    const RELAY = "192.0.2.10[192.0.2.10]:2526";
    const SINK = `
      use strict; use Socket; use IO::Socket::INET;
      socket my $any, AF_INET, SOCK_DGRAM, 0 or die $!;
      my $address = inet_aton('192.0.2.10');
      ioctl $any, 0x8916, pack 'a16 S n a4 x8', 'lo0:1', AF_INET, 0, $address or die "SIOCSIFADDR: $!";
      my $server = IO::Socket::INET->new(LocalAddr => '192.0.2.10:2526', Listen => 8, ReuseAddr => 1) or die $!;
      $SIG{CHLD} = 'IGNORE'; alarm 300;
      open my $pid, '>', '/root/sink.pid'; print $pid $$; close $pid;
      while (1) {
        my $client = $server->accept or next;
        next if fork;
        $client->autoflush(1);
        print $client "220 sink ESMTP\\r\\n";
        while (my $line = <$client>) {
          if ($line =~ /^DATA/i) {
            print $client "354 go on\\r\\n";
            while (<$client>) { last if /^\\.\\r?$/ }
            print $client "250 2.0.0 Ok: queued as REMOTE42\\r\\n";
          }
          else { print $client "250 ok\\r\\n" }
          last if $line =~ /^QUIT/i;
        }
        exit;
      }`;
    let sink: Promise<unknown>;
    beforeAll(async () => {
      sink = host.exec(["/usr/bin/perl", "-e", SINK]);
      await sh(
        host,
        "i=0; until [ -f /root/sink.pid ]; do i=$((i + 1)); [ $i -gt 50 ] && exit 1; sleep 0.1; done; printf 'alice@localhost a@example.net\\nalice@localhost.example.org a@example.net\\n' > /etc/postfix/moved; /usr/local/sbin/postmap hash:/etc/postfix/moved",
      );
    });
    afterAll(async () => {
      await sh(host, "kill $(cat /root/sink.pid); rm -f /root/sink.pid /etc/postfix/moved*");
      await sink;
    });
    const relayhost = "relayhost = [192.0.2.10]:2526";
    // Older configurations append mydomain to localhost (append_dot_mydomain).
    const moved = "virtual_alias_maps = hash:/etc/postfix/moved";
    const taken = {
      ...{ relay: RELAY, remoteQueueId: "REMOTE42" },
      mailbox: `not looked for: ${RELAY} took it, which is another server`,
    };

    test("takes the mail of its own recipients, and the check says so", async () => {
      await with_([relayhost], async () => {
        expect((await check({ recipient: "a@example.net" })).props).toMatchObject(taken);
        const { props } = await check({ recipient: "a@example.net", deliveredBy: "relay" });
        expect(props).toMatchObject(taken);
        expect(await failure({ recipient: "a@example.net", deliveredBy: "mailbox" })).toMatch(
          /the delivery of message \w+ failed: 192\.0\.2\.10\[192\.0\.2\.10\]:2526 took it, and it was to go into a mailbox of this host/,
        );
      });
    });

    test("must not take the mail of a recipient of this host, unless the program says so", async () => {
      await with_([relayhost, moved], async () => {
        const message = await failure({ recipient: "alice" });
        expect(message).toMatch(/:2526 took it, and alice is a recipient of this host/);
        expect(message).toContain('say deliveredBy: "relay"');
        const { props } = await check({ recipient: "alice", deliveredBy: "relay" });
        expect(props).toMatchObject(taken);
      });
      await with_(["local_transport = smtp:[192.0.2.10]:2526"], async () => {
        expect(await failure({ recipient: "alice@example.org" })).toMatch(
          /:2526 took it, and alice@example\.org is a recipient of this host/,
        );
      });
    });

    test("was to take it, and it stayed here", async () => {
      expect(await failure({ recipient: "alice", deliveredBy: "relay" })).toMatch(
        /it stayed on this host, where local delivered it, and was to go to another server/,
      );
      await sh(host, clear);
    });

    test("a mailbox was asked for, and a command took it", async () => {
      expect(await failure({ recipient: "robot", deliveredBy: "mailbox" })).toMatch(
        /the mailbox of robot failed: it was delivered, but to no mailbox that can be looked into: .*command/,
      );
    });
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
      ssh = await sshTo(host);
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
