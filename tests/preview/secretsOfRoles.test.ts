/** Canaries for what the roles are given: passwords of a smarthost, a database and a login, and a key for TLS. */
import { startDovecot, startHost, type TestHost } from "../../testing";
import { CertificateMaker } from "../certificates";
import { CanaryHunt, watchProcesses, WIRE } from "./canaries";
import { startMailDatabase } from "./mailDatabase";
import { connectionTo, isBefore, packageOf, RELEASES, sh } from "./server";
import { Project } from "./stack";
import { pulumi, refused } from "./ways";

const PASSWORDS = {
  database: "canary-database-5b1e",
  smarthost: "canary-smarthost-c04d",
  login: "canary-login-e8f2",
};
const WRONG = "canary-wrong-7d39";
const DRIFTED = "canary-drift-2a6c";
const CHANGED = "canary-changed-91fa";

const HOLDERS = [
  /^\/etc\/postfix\/(mysql_\w+\.cf|sasl_passwd(\.db)?)$/,
  /^\/etc\/ssl\/private\/mx1\.key$/,
  // Dovecot's own, which the test has given it.
  /^\/etc\/dovecot\/users$/,
];

/** Before 5.7 no package has the flavors of a database and of SASL at once: then the login to the smarthost is left out. */
function program(hosts: readonly TestHost[]): string {
  const given = hosts.map((host) => ({
    connection: connectionTo(host),
    package: packageOf(host.release),
    login: !isBefore(host.release, "5.7"),
  }));
  return `
const pulumi = require("@pulumi/pulumi");
const { PostfixServer } = require("pulumi-openbsd-postfix");
const config = new pulumi.Config();
${JSON.stringify(given)}.forEach(({ connection, package, login }, index) => {
  new PostfixServer("mx" + index, {
    connection,
    package,
    mainCf: { parameters: { myhostname: "mx1.example.org", mydomain: "example.org" } },
    aliases: { entries: { root: ["alice"], postmaster: ["root"] } },
    virtualAccounts: {
      mysql: { user: "postfix", password: config.requireSecret("database"), database: "mail" },
    },
    submission: {
      certificate: {
        certificatePath: "/etc/ssl/mx1.pem",
        privateKeyPath: "/etc/ssl/private/mx1.key",
        certificate: config.require("certificate"),
        privateKey: config.requireSecret("tlsKey"),
        names: ["mx1.example.org"],
      },
    },
    ...(login
      ? {
          smarthost: {
            host: "smtp.example.net",
            login: { user: "mx1", password: config.requireSecret("smarthost") },
          },
        }
      : {}),
    mailCheck: {
      recipient: "alfred@alpha.example.org",
      sender: "alfred@alpha.example.org",
      port: 587,
      login: { user: "alfred@alpha.example.org", password: config.requireSecret("login") },
      tlsName: "mx1.example.org",
      tlsCa: config.require("ca"),
    },
  });
});`;
}

/** A database with one account, whom Dovecot knows as well. */
async function prepare(host: TestHost): Promise<void> {
  const { packagePath } = packageOf(host.release) as { readonly packagePath?: string };
  await sh(
    host,
    packagePath === undefined
      ? "pkg_add -I postfix--sasl2-mysql%stable >/dev/null"
      : `PKG_PATH=${packagePath} pkg_add postfix-2.6.5-mysql >/dev/null`,
  );
  await startMailDatabase(host, PASSWORDS.database);
  await startDovecot(host, { users: { "alfred@alpha.example.org": PASSWORDS.login } });
}

test("no secret of a role is found outside the files that must hold it, after all that can be run", async () => {
  const hosts = await Promise.all(
    RELEASES.map((release) => startHost({ release, extras: ["mariadb", "flavors", "dovecot"] })),
  );
  await Promise.all(hosts.map(prepare));
  const maker = new CertificateMaker();
  const authority = maker.issue({ name: "an authority", isCa: true });
  const issued = ["first", "second"].map(() =>
    maker.issue({ name: "mx1.example.org", by: authority, keyKind: "rsa" }),
  );
  maker.clean();
  const [first, second] = issued;
  if (!first || !second) throw new Error("there are two certificates");

  const project = await Project.create({ program: program(hosts) });
  const set = (name: string, value: string, secret = true): Promise<void> =>
    project.stack.setConfig(name, { value, secret });
  for (const [name, value] of Object.entries({ ...PASSWORDS, tlsKey: first.key }))
    await set(name, value);
  await set("certificate", first.certificate, false);
  await set("ca", authority.certificate, false);

  const secrets = [
    ...[...Object.values(PASSWORDS), WRONG, DRIFTED, CHANGED],
    ...issued.map(({ key }) => key.split("\n")[2] ?? ""),
  ];
  const hunt = new CanaryHunt({ project, hosts, secrets, holders: HOLDERS });
  const processes = watchProcesses(hosts);
  let ran: string;
  try {
    const yes = ["--yes", "--skip-preview", "--diff"];
    await hunt.after("the first preview", await pulumi(project, "preview", "--diff"));
    const log = await pulumi(project, "up", ...yes, "-v=9", "--logtostderr");
    expect(log).toMatch(WIRE);
    await hunt.after("up with -v9", log.replace(WIRE, ""));
    const none = await pulumi(project, "preview", "--refresh", "--diff", "--expect-no-changes");
    await hunt.after("a preview with nothing to do", none);

    // The program comes by the standard input: arguments are seen by all.
    const { database, smarthost } = PASSWORDS;
    const edit = `
      local ($^I, @ARGV) = ("", glob("/etc/postfix/mysql_*.cf"), grep { -e } "/etc/postfix/sasl_passwd");
      while (<>) { s/${database}|${smarthost}/${DRIFTED}/; print }`;
    for (const host of hosts) await host.exec(["perl", "-"], { stdin: edit });
    const drift = await pulumi(project, "preview", "--refresh", "--diff");
    expect(drift).toMatch(/has drifted/);
    await hunt.after("the preview of a drift", drift);
    await hunt.after("the up that mends it", await pulumi(project, "up", "--refresh", ...yes));

    // The database refuses the login, and says so with the user's name.
    await set("database", WRONG);
    const asked = await refused(project, "up", ...yes);
    expect(asked).toMatch(/Access denied for user/);
    await hunt.after("an up with a wrong password", asked, true);
    await set("database", PASSWORDS.database);

    // A tool that fails and prints what it was given, while a login and a certificate change.
    for (const host of hosts)
      await sh(
        host,
        'cd /usr/local/sbin && mv postmap postmap.real && printf \'#!/bin/sh\\ncase " $* " in *" -q "*|*" -s "*) exec /usr/local/sbin/postmap.real "$@";; esac\\ncat /etc/postfix/sasl_passwd /etc/postfix/mysql_*.cf >&2; exit 1\\n\' > postmap && chmod 755 postmap',
      );
    await set("smarthost", CHANGED);
    await set("tlsKey", second.key);
    await set("certificate", second.certificate, false);
    const failed = await refused(project, "up", ...yes);
    await hunt.after("a failed up", failed, true);
    for (const host of hosts) await sh(host, "cd /usr/local/sbin && mv postmap.real postmap");
    await hunt.after("the up after it", await pulumi(project, "up", "--refresh", ...yes));
    await hunt.after("destroy", await pulumi(project, "destroy", ...yes));
  } finally {
    ran = await processes();
  }

  expect([...new Set([...hunt.leaks, ...hunt.found("a process", ran)])]).toEqual([]);
  const tables = ["accounts", "aliases", "domains", "senders"].map((name) => `mysql_${name}.cf`);
  expect(hunt.holders).toEqual(
    ["/etc/dovecot/users"]
      .concat([...tables, "sasl_passwd", "sasl_passwd.db"].map((name) => `/etc/postfix/${name}`))
      .concat("/etc/ssl/private/mx1.key"),
  );
  for (const host of hosts) await host.stop();
  project.remove();
});
