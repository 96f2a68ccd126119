/**
 * The roles proven by mail: a smarthost that requires TLS and a login, and people who submit mail over TLS with a login.
 * All roles stand on one host, as on a real server, so that what people submit goes to the smarthost too.
 */
import type { TLSSocket } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import type { Contribution } from "../../components/roles/contribution";
import { smarthost, type SmarthostArgs } from "../../components/roles/smarthost";
import { submission } from "../../components/roles/submission";
import { virtualAccounts } from "../../components/roles/virtualAccounts";
import { forgetPlans } from "../../provider/driver/overlay";
import { startDovecot, startHost, type TestHost } from "../../testing";
import { CertificateMaker, type Issued } from "../certificates";
import { type LocalServer, startLocalServer } from "../localServer";
import { connectionTo, isBefore, RELEASES, sh } from "../preview/server";
import { eventually } from "./packages";
import { create, failures, inputsOf, type Made, said, update } from "./provider";
import { seenInProcesses } from "./processes";
import { type RoleStep, roleSteps, serverFor } from "./roleSteps";
import { dialogue, plain, servePostfix, SmtpClient } from "./smtp";

const HUB = "smtp.example.net";
const OWN = "myhost.example.org";
const AT = "10.1.0.2";

/** The smarthost's password, and one that is wrong. */
const PASSWORD = "canary-smarthost-5c1f";
const WRONG = "canary-wrong-90aa";

/** The passwords as they may stand in a file, a text or a dialogue. */
const SPELLINGS = [PASSWORD, WRONG].flatMap((password) => [
  password,
  ...[password, `\0mx\0${password}`].map((text) => Buffer.from(text).toString("base64")),
]);

/** The people who log in, by their logins. */
const PEOPLE = { alice: "of-alice-1", "alfred@alpha.example.org": "of-alfred-2" } as const;
type Person = keyof typeof PEOPLE;

const maker = new CertificateMaker();
afterAll(() => maker.clean());
const ca = maker.issue({ name: "A private authority", keyKind: "rsa", isCa: true });
const otherCa = maker.issue({ name: "Another authority", keyKind: "rsa", isCa: true });
const certified = (name: string): Issued => maker.issue({ name, keyKind: "rsa", by: ca });
const [first, renewed] = [certified(OWN), certified(OWN)];

const CA_FILE = "/etc/ssl/private-ca.pem";
const OTHER_CA_FILE = "/etc/ssl/other-ca.pem";

/** The host that all mail goes to: one for all tests. */
let hub: TestHost;
/** The extras of the test host are made when they are first asked for. */
jest.setTimeout(600_000);

beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub.stop());

/** What the roles of the host say, with what a test says otherwise. */
function roles(hub: Partial<SmarthostArgs> = {}, pair: Issued = first): readonly Contribution[] {
  return [
    virtualAccounts(
      {
        domains: {
          "alpha.example.org": { accounts: ["alfred", "berta"], aliases: { info: ["alfred"] } },
        },
      },
      { logins: true },
    ),
    submission(
      {
        certificate: {
          certificatePath: "/etc/ssl/myhost.pem",
          privateKeyPath: "/etc/ssl/private/myhost.key",
          certificate: pair.certificate,
          privateKey: pair.key,
          names: [OWN],
        },
        senders: { "alice@example.org": ["alice"] },
      },
      { accounts: true },
    ),
    smarthost({
      host: HUB,
      login: { user: "mx", password: PASSWORD },
      tls: { caFile: CA_FILE },
      ...hub,
    }),
  ];
}

/** The host that all mail goes to: on 587 and 465 with TLS and a login only; on 25 it takes mail from everybody, in clear. */
async function startHub(): Promise<TestHost> {
  const hub = await startHost({ release: "7.8", extras: ["dovecot"] });
  const { certificate, key } = certified(HUB);
  await sh(hub, `umask 077; cat > /root/tls.pem <<'END'\n${certificate}${key}END`);
  await servePostfix(hub, ["myhostname = hub.example.org"]);
  await startDovecot(hub, { users: { mx: PASSWORD } });
  const overrides = [
    ...["smtpd_sasl_auth_enable=yes", "smtpd_sasl_type=dovecot", "smtpd_sasl_path=private/auth"],
    ...["smtpd_tls_auth_only=yes", "smtpd_tls_cert_file=/root/tls.pem"],
    "smtpd_client_restrictions=permit_sasl_authenticated,reject",
  ].map((one) => `  -o ${one}\n`);
  const services = [
    `587 inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt\n${overrides.join("")}`,
    `465 inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n${overrides.join("")}`,
  ].join("");
  await sh(hub, `cat >> /etc/postfix/master.cf <<'END'\n${services}END`);
  await sh(hub, "/usr/local/sbin/postfix reload && sleep 1");
  return hub;
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let service: Made;
  /** The steps by their names, and what each was last asked for. */
  const made = new Map<string, Made>();
  const asked = new Map<string, RoleStep["args"]>();

  const news = ({ kind, name, args }: RoleStep, preview = false): Record<string, unknown> =>
    inputsOf(kind, args, connectionTo(host), { preview, name });

  /** What a user of these hosts says beside the roles: the smarthost's name is in no DNS. */
  const stepsOf = (contributions: readonly Contribution[]): Promise<readonly RoleStep[]> =>
    roleSteps(contributions, { smtp_host_lookup: "native", smtp_tls_loglevel: "1" });

  /** Makes the host as the roles say, as one `up` does, which leaves alone what is as it was. */
  async function up(contributions: readonly Contribution[]): Promise<void> {
    forgetPlans();
    for (const step of await stepsOf(contributions)) {
      const before = made.get(step.name);
      if (before === undefined) made.set(step.name, await create(step.kind, news(step)));
      else if (!isDeepStrictEqual(asked.get(step.name), step.args))
        await update(before, news(step));
      asked.set(step.name, step.args);
    }
    const triggers = [...made.values()].map(({ props }) => props["revision"]);
    await update(service, inputsOf("PostfixService", { triggers }, connectionTo(host)));
  }

  beforeAll(async () => {
    ({ host, service } = await serverFor(release, ["sasl2"], ["flavors", "dovecot"]));
    await host.reach(hub, { at: AT, from: "10.1.0.1" });
    await sh(
      host,
      `echo '${AT} ${HUB}' | tee -a /etc/hosts >> /var/spool/postfix/etc/hosts; cat > ${CA_FILE} <<'END'\n${ca.certificate}END\ncat > ${OTHER_CA_FILE} <<'END'\n${otherCa.certificate}END`,
    );
    await startDovecot(host, { users: PEOPLE });
    said();
    await up(roles());
  });
  afterAll(() => host.stop());

  const log = (of: TestHost): Promise<string> => sh(of, "cat /var/log/maillog");
  const check = (args: Record<string, unknown>): Promise<Made> =>
    create(
      "MailCheck",
      inputsOf(
        "MailCheck",
        { recipient: "alice@hub.example.org", deliveredBy: "relay", timeoutSeconds: 20, ...args },
        connectionTo(host),
      ),
    );
  const failure = async (args: Record<string, unknown> = {}): Promise<string> => {
    const thrown: unknown = await check(args).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(thrown instanceof Error)) throw new Error("the check has found nothing wrong");
    return thrown.message;
  };

  describe("mail by a smarthost", () => {
    const taken = async (): Promise<number> =>
      Number(await sh(hub, "grep -c 'postfix/cleanup.*message-id=' /var/log/maillog || true"));

    /** With the smarthost said otherwise. What stayed in the queue is no other test's. */
    async function with_(hubArgs: Partial<SmarthostArgs>, work: () => Promise<void>) {
      await up(roles(hubArgs));
      try {
        await work();
      } finally {
        await sh(host, "/usr/local/sbin/postsuper -d ALL");
      }
    }
    afterAll(() => up(roles()));

    test("arrives there, over TLS that is verified, with the login", async () => {
      await sh(host, "echo Proven by sendmail | /usr/local/sbin/sendmail alice@hub.example.org");
      await eventually(hub, "grep -q 'Proven by sendmail' /var/mail/alice", 30);
      expect(await log(host)).toMatch(
        new RegExp(`Verified TLS connection established to ${HUB}\\[${AT}\\]:587: TLSv1`),
      );
      expect(await log(hub)).toMatch(
        /postfix\/smtpd\[\d+\]: \w+: client=\S+, sasl_method=\w+, sasl_username=mx$/m,
      );
      const { props } = await check({});
      expect(props).toMatchObject({ relay: `${HUB}[${AT}]:587` });
      await eventually(
        hub,
        `grep -q '${String(props["remoteQueueId"])}: removed' /var/log/maillog`,
      );
    });

    test("stays where it is with a wrong password, and the error names the login and no password", async () => {
      let message = "";
      const seen = await seenInProcesses(host, SPELLINGS, () =>
        with_({ login: { user: "mx", password: WRONG } }, async () => {
          message = await failure();
        }),
      );
      expect(seen).toEqual([]);
      expect(message).toMatch(/it is deferred: .*SASL authentication failed; .* said: 535 /);
      for (const spelling of SPELLINGS) expect(message).not.toContain(spelling);
    });
    test.each([
      ["an authority that nobody trusts", { tls: { caFile: OTHER_CA_FILE } }],
      ["another name", { host: AT }],
    ])("stays where it is where the certificate is of %s", async (_what, args) => {
      const before = await taken();
      await with_(args, async () => {
        expect(await failure()).toMatch(
          /it is deferred: .*Server certificate not (verified|trusted)/,
        );
      });
      expect(await taken()).toBe(before);
    });

    test("stays where it is where the smarthost has no TLS, and would have taken it in clear", async () => {
      const lines = ["EHLO client.example", "MAIL FROM:<>", "RCPT TO:<alice@hub.example.org>"];
      const replies = await dialogue(await hub.dial(25, { from: "10.1.0.1" }), lines);
      expect(replies.at(-1)).toMatch(/^250 /);
      const before = await taken();
      await with_({ port: 25 }, async () => {
        expect(await failure()).toMatch(
          /it is deferred: .*TLS is required, but was not offered by host/,
        );
      });
      expect(await taken()).toBe(before);
    });

    test("goes by TLS from the first byte, or the preview says that this Postfix cannot", async () => {
      if (isBefore(release, "6.1")) {
        const main = (await stepsOf(roles({ port: 465 }))).find(({ kind }) => kind === "MainCf");
        expect(await failures("MainCf", news(main as RoleStep, true))).toMatch(
          /smtp_tls_wrappermode/,
        );
        return;
      }
      await with_({ port: 465 }, async () => {
        expect((await check({})).props).toMatchObject({ relay: `${HUB}[${AT}]:465` });
      });
    });
  });

  describe("mail by submission", () => {
    const trust = { ca: ca.certificate, servername: OWN };

    /** A stranger's dialogue, greeted. */
    async function visit<T>(
      port: 25 | 587 | 465,
      work: (visitor: SmtpClient) => Promise<T>,
    ): Promise<T> {
      const visitor = new SmtpClient(await host.dial(port));
      try {
        if (port === 465) await visitor.beginTls(trust);
        expect(await visitor.reply()).toMatch(/^220 /);
        return await work(visitor);
      } finally {
        visitor.leave();
      }
    }

    async function startTls(visitor: SmtpClient): Promise<TLSSocket> {
      expect(await visitor.ask("STARTTLS")).toMatch(/^220 /);
      return visitor.beginTls(trust);
    }

    /** The reply to the recipient of a message by somebody who has logged in, or has not. */
    function recipientReply(port: 587 | 465, person: Person | undefined, sender: string) {
      return visit(port, async (visitor) => {
        if (port === 587) {
          await visitor.ask("EHLO client.example");
          await startTls(visitor);
        }
        expect(await visitor.ask("EHLO client.example")).toContain("AUTH");
        if (person !== undefined)
          expect(await visitor.ask(plain(person, PEOPLE[person]))).toMatch(/^235 /);
        expect(await visitor.ask(`MAIL FROM:<${sender}>`)).toMatch(/^250 /);
        return visitor.ask("RCPT TO:<alice@hub.example.org>");
      });
    }

    test("on 587, nothing is offered and nothing is taken before TLS", async () => {
      await visit(587, async (visitor) => {
        const offer = await visitor.ask("EHLO client.example");
        expect(offer).toContain("STARTTLS");
        expect(offer).not.toContain("AUTH");
        expect(await visitor.ask("MAIL FROM:<alice@example.org>")).toMatch(/^530 .*STARTTLS/);
        expect(await visitor.ask(plain("alice", PEOPLE.alice))).toMatch(/^5/);
      });
    });

    test.each([587, 465] as const)("on %d, who may send as whom", async (port) => {
      const alfred = "alfred@alpha.example.org";
      for (const [person, sender, reply] of [
        [undefined, "alice@example.org", /^55[04] .*(denied|rejected)/],
        [undefined, "", /^55[04] .*(denied|rejected)/],
        ["alice", "alice@example.org", /^250 /],
        ["alice", "Alice@Example.ORG", /^250 /],
        ["alice", alfred, /^553 .*not owned by user alice/],
        ["alice", "bob@elsewhere.example", /^553 .*not owned by user alice/],
        [alfred, alfred, /^250 /],
        [alfred, "info@alpha.example.org", /^250 /],
        [alfred, "berta@alpha.example.org", /^553 .*not owned by user alfred@/],
        [alfred, "alice@example.org", /^553 .*not owned by user alfred@/],
        // Whose it is, nobody says: notices that a message was read come from it (RFC 8098), and so does a MailCheck.
        ["alice", "", /^250 /],
      ] as const) {
        const answer = await recipientReply(port, person, sender);
        expect([person, sender, answer]).toEqual([person, sender, expect.stringMatching(reply)]);
      }
    });

    test("a wrong password is refused", async () => {
      await visit(465, async (visitor) => {
        await visitor.ask("EHLO client.example");
        expect(await visitor.ask(plain("alice", "wrong"))).toMatch(/^535 /);
      });
    });

    test("on 25, strangers may encrypt, and nobody logs in", async () => {
      await visit(25, async (visitor) => {
        const offer = await visitor.ask("EHLO client.example");
        expect(offer).toContain("STARTTLS");
        expect(offer).not.toContain("AUTH");
        await startTls(visitor);
        expect(await visitor.ask("EHLO client.example")).not.toContain("AUTH");
        expect(await visitor.ask(plain("alice", PEOPLE.alice))).toMatch(/^503 /);
        await visitor.ask("MAIL FROM:<alice@example.org>");
        expect(await visitor.ask("RCPT TO:<alice@hub.example.org>")).toMatch(/^[45]54 /);
        expect(await visitor.ask("RCPT TO:<info@alpha.example.org>")).toMatch(/^250 /);
      });
    });

    describe.each([587, 465] as const)("checked on %d", (port) => {
      let proxy: LocalServer;
      beforeAll(async () => {
        proxy = await startLocalServer((socket) => {
          void host.dial(port).then(
            (stream) => {
              stream.on("error", () => socket.destroy());
              socket.pipe(stream).pipe(socket);
            },
            () => socket.destroy(),
          );
        });
      });
      afterAll(() => proxy.close());

      test("a message with a login goes out by the smarthost, from inside and outside", async () => {
        const submitted = {
          ...{ port, tlsName: OWN, tlsCa: ca.certificate, secretPaths: ["login.password"] },
          sender: "info@alpha.example.org",
          login: { user: "alfred@alpha.example.org", password: PEOPLE["alfred@alpha.example.org"] },
        };
        const { props } = await check({ ...submitted, outside: { port: proxy.port } });
        const relayed = { relay: `${HUB}[${AT}]:587` };
        expect(props).toMatchObject({ ...relayed, fromOutside: relayed });
        expect(await failure({ ...submitted, sender: "berta@alpha.example.org" })).toMatch(
          /RCPT TO failed: the server said "553 .*not owned/,
        );
      });
    });

    test("a renewed certificate is one reload, and then it is the one that is shown", async () => {
      const shown = (): Promise<string> =>
        visit(587, async (visitor) => {
          await visitor.ask("EHLO client.example");
          return (await startTls(visitor)).getPeerCertificate().raw.toString("base64");
        });
      const der = ({ certificate }: Issued): string => certificate.replace(/-----.*-----|\n/g, "");
      const reloads = async (): Promise<number> =>
        Number(await sh(host, "grep -c 'postfix/master.*: reload' /var/log/maillog || true"));
      expect(await shown()).toBe(der(first));
      const before = await reloads();
      await up(roles({}, renewed));
      expect(await reloads()).toBe(before + 1);
      expect(await shown()).toBe(der(renewed));
    });
  });

  test("the smarthost's password is where it must be, and nowhere else", async () => {
    // The entries are secrets of the state (secretPaths); nothing else of a state has the password.
    const states = JSON.stringify(
      [...made.values(), service].map(({ props }) => props),
      (key, value: unknown) => (key === "entries" ? "" : value),
    );
    const words = said();
    for (const spelling of SPELLINGS) {
      expect(states).not.toContain(spelling);
      expect(words).not.toContain(spelling);
    }
    const folders = ["/etc", "/var", "/tmp", "/root", "/home", "/usr/local"];
    const { stdout } = await host.exec(["grep", "-rlF", "--devices=skip", "-f", "-", ...folders], {
      stdin: SPELLINGS.join("\n"),
    });
    expect(stdout.split("\n").sort()).toEqual([
      "",
      "/etc/postfix/sasl_passwd",
      "/etc/postfix/sasl_passwd.db",
    ]);
    const modes = await sh(host, "stat -f '%Su:%Sg %Lp' /etc/postfix/sasl_passwd*");
    expect(modes).toBe("root:_postfix 640\nroot:_postfix 640\n");
  });
});
