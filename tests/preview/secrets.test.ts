/**
 * Canaries: secrets are planted wherever one can be given, and after everything that can be run, failed runs and debug
 * logs included, they are searched for everywhere.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateSshKey, startHost, type TestHost } from "../../testing";
import { CertificateMaker, type Issued } from "../certificates";
import { CanaryHunt, watchProcesses, WIRE } from "./canaries";
import { connectionTo, packageOf, RELEASES, sh } from "./server";
import { Project } from "./stack";
import { pulumi, refused } from "./ways";

const PASSPHRASE = "canary-passphrase-6d20";

/** By the names of the configuration values that hold them; what of each is searched for. */
const CANARIES: Readonly<Record<string, string>> = {
  relayhost: "[canary-relay-71f3.example.org]",
  alias: '|/usr/local/bin/hook --token "canary tok-52ab"',
  hook: "alice+canary-hook-04be@localhost",
  recipient: "alice+canary-rcpt-90c1",
  sasl: "user:canary-sasl-a7d5",
  mysql:
    "user = postfix\npassword = canary-mysql-18c2\nhosts = 127.0.0.1\ndbname = mail\nquery = SELECT 1\n",
  override: "canary-realm-5e77",
  variable: "-s canary-ntpd-2f60",
  password: "canary-password-33de",
  passphrase: PASSPHRASE,
};
const DRIFTED = "[canary-drift-18aa.example.org]";
const CHANGED = '|/usr/local/bin/hook --token "canary tok-changed-44"';

/** What is searched for where the whole would not be found: in a line of its own, in other quotes. */
const MARKS = ["canary-mysql-18c2", "tok-52ab", "tok-changed-44"];

/** Files on the host that must hold a secret, or that Postfix itself writes it to. */
const HOLDERS = [
  /^\/etc\/postfix\/(main\.cf|master\.cf|mysql\.cf|(aliases|sasl_passwd)(\.db)?)$/,
  /^\/etc\/rc\.conf\.local$/,
  /^\/etc\/ssl\/private\/canary\.key$/,
  /^\/var\/(log|mail)\//,
];
/**
 * A server on each host. The first one's key is found by the name of a configuration value, the second one's is given
 * inline; the first one's test message is for a secret recipient, the second one's for an alias with a secret target.
 */
function program(hosts: readonly TestHost[]): string {
  const given = hosts.map((host) => {
    const { privateKeyPath: _path, ...connection } = connectionTo(host);
    return { connection, package: { ...packageOf(host.release), flavors: ["mysql"] } };
  });
  return `
const pulumi = require("@pulumi/pulumi");
const { PostfixServer, TlsCertificate } = require("pulumi-openbsd-postfix");
const secret = (name) => new pulumi.Config().requireSecret(name);
const keys = [
  { privateKeyConfig: "configuredKey" },
  { privateKey: secret("privateKey"), privateKeyPassword: secret("passphrase") },
];
${JSON.stringify(given)}.forEach(({ connection: way, package }, index) => {
  const connection = { ...way, ...keys[index], password: secret("password") };
  new TlsCertificate("tls" + index, {
    connection,
    certificatePath: "/etc/ssl/canary.pem",
    privateKeyPath: "/etc/ssl/private/canary.key",
    certificate: new pulumi.Config().require("tlsCertificate"),
    privateKey: new pulumi.Config().require("tlsKey"),
  });
  new PostfixServer("mx" + index, {
    connection,
    package,
    mainCf: { parameters: { myhostname: "myhost.example.org", recipient_delimiter: "+", relayhost: secret("relayhost") } },
    masterCf: { services: { "127.0.0.1:10587/inet": { command: "smtpd", overrides: { smtpd_sasl_local_domain: secret("override") } } } },
    tables: {
      passwords: { path: "/etc/postfix/sasl_passwd", entries: { "[mx.example.org]": secret("sasl") } },
      users: { path: "/etc/postfix/mysql.cf", type: "mysql", text: new pulumi.Config().require("mysql") },
    },
    aliases: { entries: { root: ["alice"], webmaster: [secret("alias"), "bob"], hook: [secret("hook")] } },
    rcConfLocal: { variables: { ntpd_flags: secret("variable") } },
    mailCheck: { recipient: index === 0 ? secret("recipient") : "hook" },
  });
});`;
}

/** A key that is encrypted, as ssh-keygen does it. */
function encrypted(privateKey: string): string {
  const folder = mkdtempSync(join(tmpdir(), "canary-key-"));
  try {
    const path = join(folder, "key");
    writeFileSync(path, privateKey, { mode: 0o600 });
    spawnSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", path]);
    return readFileSync(path, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A certificate and its key, which every release can use. */
function pairOfTls(): Issued {
  const maker = new CertificateMaker();
  try {
    return maker.issue({ name: "myhost.example.org", keyKind: "rsa" });
  } finally {
    maker.clean();
  }
}

test("no secret is found outside the files that must hold it, after all that can be run", async () => {
  const hosts = await Promise.all(RELEASES.map((release) => startHost({ release })));
  const [inline, first, second] = await Promise.all(
    ["inline", "first", "second"].map(() => generateSshKey("ed25519")),
  );
  if (!inline || !first || !second) throw new Error("there are three keys");
  const admit = async (host: TestHost | undefined, key: string): Promise<unknown> =>
    host?.exec(["/bin/sh", "-c", "cat > /root/.ssh/authorized_keys"], { stdin: `${key}\n` });
  await Promise.all([admit(hosts[0], first.public), admit(hosts[1], inline.public)]);
  const privateKey = encrypted(inline.private);
  const lineOf = (key: string): string => key.split("\n")[2] ?? "";
  const tls = pairOfTls();
  const configured = [first, second].map((key) => lineOf(key.private));
  const planted = [
    ...[...Object.values(CANARIES), ...MARKS, DRIFTED, CHANGED],
    ...[lineOf(privateKey), lineOf(tls.key), ...configured],
  ];
  const project = await Project.create({
    providerProcess: "bundled",
    program: program(hosts),
    environment: { SSH_AUTH_SOCK: "", HOME: "/nonexistent" },
  });
  const given = {
    ...{ ...CANARIES, privateKey, configuredKey: first.private },
    ...{ tlsKey: tls.key, tlsCertificate: tls.certificate },
  };
  await project.stack.setAllConfig(
    Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, { value, secret: true }]),
    ),
  );

  const hunt = new CanaryHunt({ project, hosts, secrets: planted, holders: HOLDERS });
  const look = hunt.after.bind(hunt);
  const processes = watchProcesses(hosts);
  let ran: string;
  const shown: Record<string, string> = {};
  try {
    await look("the first preview", await pulumi(project, "preview", "--diff"));
    const debugged = ["--diff", "-v=9", "--logtostderr"];
    const log = await pulumi(project, "up", "--yes", "--skip-preview", ...debugged);
    expect(log).toMatch(WIRE);
    await look("up with -v9", log.replace(WIRE, ""));

    // A key that is found by its name: another one is no change, and after that serves a refresh and destroy as well.
    await admit(hosts[0], second.public);
    await project.stack.setConfig("configuredKey", { value: second.private, secret: true });
    const none = "--expect-no-changes";
    await look(
      "an up with another key",
      await pulumi(project, "up", "--yes", "--skip-preview", none),
    );
    await pulumi(project, "preview", "--refresh", none);

    for (const host of hosts)
      await host.exec(
        [
          ...["perl", "-i", "-pe"],
          'BEGIN { open my $in, "<&STDIN"; $v = <$in> } s/^relayhost.*/relayhost = $v/',
          "/etc/postfix/main.cf",
        ],
        { stdin: DRIFTED },
      );
    const drift = await pulumi(project, "preview", "--refresh", "--diff");
    shown["drift"] = await look("the preview of a drift", drift);
    await look("a refresh", await pulumi(project, "refresh", "--yes", "--skip-preview", "--diff"));

    for (const host of hosts)
      await sh(
        host,
        'cd /usr/local/sbin && mv postalias postalias.real && printf \'#!/bin/sh\\ncase " $* " in *" -s "*) exec /usr/local/sbin/postalias.real "$@";; esac\\ncat /etc/postfix/aliases >&2; exit 1\\n\' > postalias && chmod 755 postalias',
      );
    await project.stack.setConfig("alias", { value: CHANGED, secret: true });
    const failed = await refused(project, "up", "--yes", "--skip-preview", "--diff");
    shown["failure"] = await look("a failed up", failed, true);
    for (const host of hosts) await sh(host, "cd /usr/local/sbin && mv postalias.real postalias");
    await look("the up after it", await pulumi(project, "up", "--yes", "--skip-preview", "--diff"));
    await look("destroy", await pulumi(project, "destroy", "--yes", "--skip-preview", "--diff"));
  } finally {
    ran = await processes();
  }

  expect([...new Set([...hunt.leaks, ...hunt.found("a process", ran)])]).toEqual([]);
  // What was searched was there: the search found what must hold a secret, saw short processes,
  expect(hunt.holders).toEqual(
    [
      ...["aliases", "aliases.db", "main.cf", "master.cf", "mysql.cf"],
      ...["sasl_passwd", "sasl_passwd.db"],
    ]
      .map((name) => `/etc/postfix/${name}`)
      .concat("/etc/rc.conf.local", "/etc/ssl/private/canary.key"),
  );
  expect(ran).toContain("/usr/local/libexec/postfix/");
  // and each place where a secret was left out says what it was like.
  const measured = (length: number): string => `\\[secret, ${length} characters, hash \\w{8}\\]`;
  const relay = [DRIFTED, CANARIES["relayhost"] ?? ""].map(({ length }) => measured(length));
  expect(shown["drift"]).toMatch(
    new RegExp(`has drifted: the host has ${relay[0] ?? ""}, applied was ${relay[1] ?? ""}`),
  );
  expect(shown["drift"]).toMatch(
    new RegExp(`-relayhost = ${relay[0] ?? ""}\\n\\s*\\+relayhost = ${relay[1] ?? ""}`),
  );
  expect(shown["failure"]).toMatch(/webmaster: "\[secret, \d+ characters, hash \w{8}\]", bob/);
  for (const host of hosts) await host.stop();
  project.remove();
});
