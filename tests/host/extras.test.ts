/** What a host has beyond a plain OpenBSD: databases, authentication, and packages with real flavors. */
import {
  type Dovecot,
  type MariaDb,
  type Release,
  startDovecot,
  startHost,
  startMariaDb,
  type TestHost,
} from "../../testing";
import { sh } from "../preview/server";
import { mirror } from "./fidelity/row";
import { eventually } from "./packages";
import { dialogue, plain, servePostfix } from "./smtp";

/** Installs the stable Postfix with a flavor. */
function install(release: Release, flavor: string): string {
  return [
    `name=$(ls ${mirror(release).slice("file:".length)} | grep '^postfix-[0-9][0-9.p]*-${flavor}\\.tgz' | grep -v '\\.[0-9]\\{8\\}-' | sort | head -1)`,
    `[ ${release} != 7.8 ] || name=postfix-3.10.4-${flavor}.tgz`,
    `PKG_PATH=${mirror(release)} pkg_add -x $name >/dev/null`,
  ].join("\n");
}

test("a host without extras is mounted from the same layers as ever, and has none of them", async () => {
  const host = await startHost();
  try {
    const script =
      "ls /usr/sbin/mariadbd /usr/sbin/dovecot /usr/libexec/testhost/postfix-*-flavors";
    expect((await host.exec(["/bin/sh", "-c", script])).stdout).toBe("");
    await expect(startMariaDb(host)).rejects.toThrow("the host has no extra mariadb");
    await expect(startDovecot(host, { users: {} })).rejects.toThrow(
      "the host has no extra dovecot",
    );
  } finally {
    await host.stop();
  }
});

describe.each(["7.8", "4.7"] as Release[])("MariaDB on OpenBSD %s", (release) => {
  let host: TestHost;
  let database: MariaDb;

  beforeAll(async () => {
    host = await startHost({ release, extras: ["mariadb", "flavors"] });
    database = await startMariaDb(host);
  }, 600_000);

  afterAll(() => host.stop());

  test("it answers, by its socket and by TCP, and ends and starts as a test wishes", async () => {
    await database.sql(
      [
        "create database mail;",
        "create table mail.forwards (name varchar(64) primary key, target varchar(64));",
        "insert into mail.forwards values ('postmaster', 'alice'), ('sales', 'bob');",
        "create user 'postfix'@'%' identified by 'se cret';",
        "grant select on mail.* to 'postfix'@'%';",
      ].join("\n"),
    );
    expect(await database.sql("select target from mail.forwards order by name")).toBe(
      "alice\nbob\n",
    );
    await database.kill();
    await expect(database.sql("select 1")).rejects.toThrow("socket");
    await database.start();
    await database.stop();
    await database.start();
    expect(await database.sql("select count(*) from mail.forwards")).toBe("2\n");
  });

  test("Postfix with the flavor mysql asks it, directly and by proxymap(8)", async () => {
    await sh(host, install(release, "mysql"));
    expect(await sh(host, "postconf -m")).toMatch(/^mysql$/m);
    expect(await sh(host, "postconf -A 2>&1 || :")).not.toContain("cyrus");
    for (const at of ["127.0.0.1", "localhost"]) {
      const map = [
        `hosts = ${at}`,
        "user = postfix",
        "password = se cret",
        "dbname = mail",
        "query = select target from forwards where name = '%s'",
      ].join("\n");
      await sh(host, `cat > /etc/postfix/forwards.cf <<'END'\n${map}\nEND`);
      expect(await sh(host, "postmap -q sales mysql:/etc/postfix/forwards.cf")).toBe("bob\n");
    }
    await servePostfix(
      host,
      [
        "myhostname = hub.example.org",
        "virtual_alias_maps = proxy:mysql:/etc/postfix/forwards.cf",
        "virtual_alias_domains = forwards.example.org",
      ],
      ":",
    );
    expect(await sh(host, "postmap -q sales proxy:mysql:/etc/postfix/forwards.cf")).toBe("bob\n");
  });

  test("a package with another flavor knows no mysql", async () => {
    const other = await startHost({ release, extras: ["flavors"] });
    try {
      await sh(other, install(release, "pgsql"));
      const query = "postmap -q sales mysql:/etc/postfix/forwards.cf";
      const { stderr } = await other.exec(["/bin/sh", "-c", query]);
      expect(stderr).toMatch(/unsupported dictionary type: mysql/);
    } finally {
      await other.stop();
    }
  });
});

describe.each(["7.8", "4.7"] as Release[])("Dovecot and OpenBSD %s", (release) => {
  let outer: TestHost;
  let hub: TestHost;
  let dovecot: Dovecot;

  beforeAll(async () => {
    [outer, hub] = [
      await startHost({ release, extras: ["flavors"] }),
      await startHost({ release: "7.8", extras: ["dovecot"] }),
    ];
    await outer.reach(hub, { at: "10.1.0.2", from: "10.1.0.1" });
    await servePostfix(hub, [
      "myhostname = hub.example.org",
      "mynetworks = 127.0.0.0/8",
      "smtpd_sasl_auth_enable = yes",
      "smtpd_sasl_type = dovecot",
      "smtpd_sasl_path = private/auth",
      "smtpd_relay_restrictions = permit_sasl_authenticated, reject",
    ]);
    dovecot = await startDovecot(hub, { users: { alice: "right", outer: "se cret" } });
  }, 600_000);

  afterAll(() => Promise.all([outer.stop(), hub.stop()]));

  const login = async (password: string): Promise<string> => {
    const lines = ["EHLO stranger.example.net", plain("alice", password)];
    return (await dialogue(await hub.dial(25), lines)).at(-1) ?? "";
  };

  test("smtpd asks Dovecot who may log in", async () => {
    const owner = await sh(hub, "stat -f '%Su %Sg %Lp' /var/spool/postfix/private/auth");
    expect(owner).toBe("_postfix _postfix 660\n");
    expect(await login("right")).toMatch(/^235 /);
    expect(await login("wrong")).toMatch(/^535 /);
  });

  test("Postfix with the flavor sasl2 logs in there as a client", async () => {
    const settings = [
      "myhostname = outer.example.org",
      "relayhost = [10.1.0.2]",
      "smtp_sasl_auth_enable = yes",
      "smtp_sasl_password_maps = hash:/etc/postfix/password",
      "smtp_sasl_security_options = noanonymous",
    ];
    await sh(outer, install(release, "sasl2"));
    expect(await sh(outer, "postconf -A")).toMatch(/^cyrus$/m);
    expect(await sh(outer, "postconf -m")).not.toContain("mysql");
    await sh(outer, "echo '[10.1.0.2] outer:se cret' > /etc/postfix/password");
    await sh(outer, "postmap /etc/postfix/password");
    await servePostfix(outer, settings, ":");
    await sh(outer, "echo Hello | /usr/local/sbin/sendmail alice@hub.example.org");
    await eventually(hub, "grep -q Hello /var/mail/alice");
    expect(await sh(hub, "cat /var/log/maillog")).toMatch(
      /client=unknown\[10\.1\.0\.1\], sasl_method=\w+, sasl_username=outer/,
    );
  });

  test("it ends and starts as a test wishes, and nothing of it is left", async () => {
    await dovecot.stop();
    expect((await hub.exec(["/bin/sh", "-c", "pgrep -lf dovecot"])).stdout).toBe("");
    await dovecot.start();
    expect(await login("right")).toMatch(/^235 /);
  });
});
