/**
 * Roles proven by mail: what a stranger sends arrives where the role says, at another server or in a mailbox, and what
 * the role does not take is refused while the sender waits.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Contribution } from "../../components/roles/contribution";
import { mailRelay } from "../../components/roles/mailRelay";
import { virtualAccounts } from "../../components/roles/virtualAccounts";
import type { VirtualAccountsMysql } from "../../components/roles/virtualAccountsMysql";
import { UNKNOWN } from "../../provider/arguments/schema";
import { forgetPlans } from "../../provider/driver/overlay";
import { type MariaDb, startHost, startMariaDb, type TestHost } from "../../testing";
import { connectionTo, ENTRIES, packageOf, RELEASES, sh } from "../preview/server";
import { eventually } from "./packages";
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
import { seenInProcesses } from "./processes";
import { type RoleStep, roleSteps } from "./roleSteps";
import { dialogue, servePostfix } from "./smtp";

/** The server that relays hand mail on to: one for all tests. */
let inner: TestHost;

/** The extras of the test host are made when they are first asked for. */
jest.setTimeout(600_000);

beforeAll(async () => {
  inner = await startHost({ release: "7.8" });
  await servePostfix(inner, [
    "myhostname = inner.example.com",
    "mydestination = example.com",
    "mynetworks = 127.0.0.0/8",
  ]);
});
afterAll(() => inner.stop());

/** The host's own users are at its own name, and not at a domain that other hosts have. */
const MORE = { myorigin: "$myhostname" };

/** What the cookbook has for a database. */
const SCHEMA = readFileSync(join(__dirname, "../../docs/cookbook/postfixadmin.sql"), "utf8");

/** What a stranger is answered to each recipient, and to the message where one of them was taken. */
async function strangerSends(
  host: TestHost,
  recipients: readonly string[],
  subject: string,
): Promise<string[]> {
  const lines = [
    "EHLO client.example.net",
    "MAIL FROM:<someone@example.net>",
    ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
    ...["DATA", `Subject: ${subject}\r\n\r\nHello.\r\n.`],
  ];
  const stream = await host.dial(25, { from: "192.0.2.9", to: "127.0.0.1" });
  const replies = await dialogue(stream, lines);
  // The greeting, and the replies to EHLO and to MAIL.
  return [...replies.slice(3, 3 + recipients.length), replies.at(-1) ?? ""];
}

/** What a stranger is answered to a recipient; no message is sent. */
async function answerTo(host: TestHost, recipient: string): Promise<string> {
  const stream = await host.dial(25, { from: "192.0.2.9", to: "127.0.0.1" });
  const lines = ["EHLO client.example.net", "MAIL FROM:<someone@example.net>"];
  return (await dialogue(stream, [...lines, `RCPT TO:<${recipient}>`])).at(-1) ?? "";
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let postfix: Made;
  let service: Made;

  const news = (kind: string, args: Record<string, unknown>, name = kind, preview = false) =>
    inputsOf(kind, args, connectionTo(host), { name, preview });
  const make = (kind: string, args: Record<string, unknown>): Promise<Made> =>
    create(kind, news(kind, args));

  beforeAll(async () => {
    host = await startHost({ release, extras: ["mariadb", "flavors"] });
    await host.reach(inner, { at: "10.1.0.2", from: "10.1.0.1" });
    postfix = await make("PostfixPackage", packageOf(release));
    await make("Aliases", { entries: ENTRIES });
    for (const kind of ["ChrootResolv", "MailerConf", "BaseMailer", "RcConfLocal"])
      await make(kind, {});
    service = await make("PostfixService", {});
  });
  afterAll(() => host.stop());

  /** The steps of roles that are in place, by their names. */
  type Placed = ReadonlyMap<string, Made>;

  async function serve(placed: Placed): Promise<void> {
    const triggers = [...placed.values()].map(({ props }) => props["revision"]);
    await update(service, news("PostfixService", { triggers }));
  }

  async function place(contributions: readonly Contribution[]): Promise<Placed> {
    forgetPlans();
    const placed = new Map<string, Made>();
    for (const { kind, name, args } of await roleSteps(contributions, MORE))
      placed.set(name, await create(kind, news(kind, args, name)));
    await serve(placed);
    return placed;
  }

  async function take(placed: Placed): Promise<void> {
    for (const made of [...placed.values()].reverse()) await remove(made);
    await serve(new Map());
  }

  const check = async (args: Record<string, unknown>): Promise<Made["props"]> =>
    (await make("MailCheck", { timeoutSeconds: 20, ...args })).props;
  const arrives = (at: TestHost, place: string, subject: string): Promise<void> =>
    eventually(at, `grep -rqs '^Subject: ${subject}$' ${place}`);

  describe("a relay", () => {
    let placed: Placed;

    beforeAll(async () => {
      placed = await place([
        mailRelay({ domains: { "example.com": { nextHop: "[10.1.0.2]", recipients: ["alice"] } } }),
      ]);
    });
    afterAll(() => take(placed));

    test("hands a stranger's message for a known recipient on, and the next server has it", async () => {
      const subject = `relayed ${release}`;
      expect(await strangerSends(host, ["alice@example.com"], subject)).toEqual([
        expect.stringMatching(/^250 /),
        expect.stringMatching(/^250 .*queued as/),
      ]);
      await arrives(inner, "/var/mail/alice", subject);
    });

    test("MailCheck follows the message to the next server, and says which and under which id", async () => {
      const props = await check({ recipient: "alice@example.com", deliveredBy: "relay" });
      expect(props).toMatchObject({ relay: "10.1.0.2[10.1.0.2]:25" });
      const id = props["remoteQueueId"] as string;
      const log = `grep '${id}: to=<alice@example.com>.*status=sent (delivered to mailbox)' /var/log/maillog`;
      await eventually(inner, log);
      await expect(
        check({ recipient: "alice@example.com", deliveredBy: "mailbox" }),
      ).rejects.toThrow(/10\.1\.0\.2/);
    });

    test("refuses an unknown recipient, and a domain that it does not relay, while the sender waits", async () => {
      expect(await answerTo(host, "mallory@example.com")).toMatch(/^550 5\.1\.1 .*relay recipient/);
      expect(await answerTo(host, "alice@elsewhere.example")).toMatch(/^[45]54 .*Relay access/);
      await expect(check({ recipient: "mallory@example.com" })).rejects.toThrow(
        /550 5\.1\.1 .*relay recipient/s,
      );
    });

    test.each(["root", "postmaster"])("keeps the mail of %s", async (name) => {
      const recipient = `${name}@example.com`;
      expect(await check({ recipient, deliveredBy: "mailbox" })).toMatchObject({
        ...{ mailbox: "/var/mail/alice", relay: null, originalTo: recipient },
      });
      const subject = `to ${name}`;
      await strangerSends(host, [recipient], subject);
      await arrives(host, "/var/mail/alice", subject);
    });
  });

  describe("virtual accounts of tables", () => {
    const STORE = "/var/vmail";
    const accounts = (): Contribution =>
      virtualAccounts({
        domains: {
          "alpha.example": {
            accounts: ["alfred", "Berta"],
            aliases: { info: ["alfred", "berta"], "*": ["berta"] },
          },
        },
      });
    let placed: Placed;

    beforeAll(async () => {
      placed = await place([accounts()]);
    });

    const owners = (place: string): Promise<string> =>
      sh(host, `cd ${STORE}; find ${place} -exec stat -f '%N %Su:%Sg %Lp' {} + | sort`);

    test("MailCheck follows a message into the maildir, and leaves no file of it", async () => {
      const recipient = "alfred@alpha.example";
      const props = await check({ recipient, deliveredBy: "mailbox" });
      expect(props).toMatchObject({
        ...{ mailbox: `${STORE}/alpha.example/alfred`, originalTo: recipient },
        ...{ deliveredTo: recipient, relay: null },
      });
      expect(await sh(host, `find ${STORE} -type f`)).toBe("");
    });

    test.each([
      ["an account, in capitals", "ALFRED@Alpha.Example", ["alfred"]],
      ["an account whose name has a capital", "berta@alpha.example", ["Berta"]],
      ["an alias of two", "info@alpha.example", ["alfred", "Berta"]],
      ["an address that only the catch-all has", "whoever@alpha.example", ["Berta"]],
    ])("mail for %s arrives", async (what, recipient, boxes) => {
      const [answer] = await strangerSends(host, [recipient], what);
      expect(answer).toMatch(/^250 /);
      for (const box of boxes) await arrives(host, `${STORE}/alpha.example/${box}/new`, what);
      const all = await sh(host, `grep -rl '^Subject: ${what}$' ${STORE} | wc -l`);
      expect(Number(all)).toBe(boxes.length);
    });

    test("mail for the domain's postmaster goes to the host's", async () => {
      const props = await check({ recipient: "postmaster@alpha.example", deliveredBy: "mailbox" });
      expect(props).toMatchObject({ mailbox: "/var/mail/alice" });
    });

    test("the mailboxes belong to the store's user, and nobody else can read them", async () => {
      const found = (await owners(".")).trim().split("\n");
      expect(found[0]).toBe(". _vmail:_vmail 770");
      expect(found.filter((one) => !/ _vmail:_vmail [67]00$/.test(one))).toEqual([found[0]]);
      expect(found.length).toBeGreaterThan(10);
    });

    test("the store stays while mail is in it, and goes with discardMail", async () => {
      const store = placed.get("mail-store") as Made;
      await remove(placed.get("main-cf") as Made);
      await expect(remove(store)).rejects.toThrow(/\/var\/vmail.*discardMail/s);
      expect(Number(await sh(host, `find ${STORE} -type f | wc -l`))).toBeGreaterThan(4);
      await update(store, { ...store.news, discardMail: true });
      await remove(store);
      const left = `ls -d ${STORE} 2>/dev/null; grep _vmail /etc/passwd /etc/group; true`;
      expect(await sh(host, left)).toBe("");
      for (const [name, made] of placed) if (name.startsWith("virtual-")) await remove(made);
      await serve(new Map());
    });
  });

  describe("virtual accounts of a database", () => {
    const STORE = "/var/vmail";
    const PASSWORD = "canary' of $a database, #7";
    const LOGIN: VirtualAccountsMysql = { user: "postfix", password: PASSWORD, database: "mail" };
    /** Tables of somebody's own. */
    const QUERIES = {
      domains: "SELECT 1 FROM places WHERE name = '%s'",
      accounts:
        "SELECT CONCAT(place, '/', name, '/') FROM people WHERE place = '%d' AND name = '%u'",
      aliases: "SELECT target FROM forwards WHERE mail = '%s'",
    };
    const ROWS = `
      insert into domain (domain) values ('alpha.example');
      insert into domain values ('later.example', 1, 1), ('off.example', 0, 0);
      insert into mailbox (username, maildir) values
        ('alfred@alpha.example', 'alpha.example/alfred/'), ('berta@alpha.example', 'alpha.example/berta/');
      insert into mailbox values ('gone@alpha.example', 'alpha.example/gone/', 0);
      insert into alias (address, goto) values
        ('alfred@alpha.example', 'alfred@alpha.example'), ('berta@alpha.example', 'berta@alpha.example'),
        ('team@alpha.example', 'alfred@alpha.example,berta@alpha.example');
      create table places (name varchar(64)); insert into places values ('beta.example');
      create table people (place varchar(64), name varchar(64)); insert into people values ('beta.example', 'carla');
      create table forwards (mail varchar(64), target text); insert into forwards values ('@beta.example', 'carla@beta.example');
      `;
    let database: MariaDb;
    let placed: Placed;

    const accounts = (more: Partial<VirtualAccountsMysql> = {}): Contribution =>
      virtualAccounts({ mysql: { ...LOGIN, ...more }, store: { discardMail: true } });
    /** What the preview says against one of the tables, and what `up` does. */
    const refusals = async (contribution: Contribution): Promise<[string, string]> => {
      const steps = await roleSteps([contribution], MORE);
      const { kind, name, args } = steps.find(
        (step) => step.name === "virtual-accounts",
      ) as RoleStep;
      const preview = await failures(kind, news(kind, args, name, true));
      forgetPlans();
      const wanted = news(kind, args, name);
      const made = placed.get(name);
      const run = made === undefined ? create(kind, wanted) : update(made, wanted);
      const up = await run.then(
        () => "",
        (error: unknown) => (error as Error).message,
      );
      return [preview, up];
    };
    const tables = (): Promise<string> => sh(host, "cd /etc/postfix; cksum mysql_*.cf main.cf");
    const reload = (): Promise<string> => sh(host, "/usr/local/sbin/postfix reload && sleep 1");

    beforeAll(async () => {
      database = await startMariaDb(host);
      await database.sql(
        [
          "create database mail; use mail;",
          SCHEMA,
          ROWS,
          `create user 'postfix'@'%' identified by '${PASSWORD.replace("'", "''")}';`,
          "grant select on mail.* to 'postfix'@'%';",
        ].join("\n"),
      );
    });

    test("have tables that a database of today makes, which the guide's page has not", async () => {
      expect(SCHEMA).not.toMatch(/\btype\s*=/i);
      const engines = "select table_name, engine from information_schema.tables";
      expect(await database.sql(`${engines} where table_schema = 'mail' order by 1`)).toBe(
        ["alias", "domain", "forwards", "mailbox", "people", "places"]
          .map((name) => `${name}\tInnoDB\n`)
          .join(""),
      );
      await database.sql(`use mail;\n${SCHEMA}`);
      await expect(
        database.sql(`use mail;\n${SCHEMA.replaceAll("ENGINE=InnoDB", "TYPE=MyISAM")}`),
      ).rejects.toThrow(/error in your SQL syntax.*TYPE=MyISAM/s);
    });

    test("need a package with the flavor, and the preview names it", async () => {
      placed = new Map();
      const [preview] = await refusals(accounts());
      expect(preview).toMatch(
        /type: this host's Postfix has no table type "mysql".* A package of the flavor mysql has it\./,
      );
      const flavored = { ...packageOf(release), flavors: ["mysql"] };
      await update(postfix, news("PostfixPackage", flavored));
    });

    test("are not applied while the database is down, and the preview says what is asked later", async () => {
      await database.stop();
      said();
      const [preview, up] = await refusals(accounts());
      await database.start();
      expect(preview).toBe("");
      expect(said()).toMatch(
        /mysql_accounts\.cf cannot be asked yet: no server of inet:127\.0\.0\.1/,
      );
      expect(up).toMatch(/mysql_accounts\.cf was asked .*Can't connect.*Nothing was changed/s);
      expect(await sh(host, "ls /etc/postfix/mysql_* 2>/dev/null; true")).toBe("");
    });

    test("with a password that is known later only leave the question to up", async () => {
      const { kind, args } = (await roleSteps([accounts()], MORE))[0] as RoleStep;
      const later = news(kind, { ...args, text: UNKNOWN }, "later", true);
      expect(await failures(kind, later)).toBe("");
    });

    test("are those of postfixadmin: an account, an alias, and what is inactive", async () => {
      said();
      const seen = await seenInProcesses(host, [PASSWORD], async () => {
        placed = await place([accounts()]);
      });
      expect(seen).toEqual([]);
      expect(said()).not.toContain("canary");
      // The text itself is a secret of the state (secretPaths); nothing else of a state has the password.
      for (const { props } of placed.values())
        expect(
          JSON.stringify(props, (key, value: unknown) => (key === "text" ? "" : value)),
        ).not.toContain("canary");
      expect(await sh(host, "stat -f '%Su:%Sg %Lp %N' /etc/postfix/mysql_*")).toBe(
        ["accounts", "aliases", "domains"]
          .map((name) => `root:_postfix 640 /etc/postfix/mysql_${name}.cf\n`)
          .join(""),
      );
      const recipient = "alfred@alpha.example";
      expect(await check({ recipient, deliveredBy: "mailbox" })).toMatchObject({
        ...{ mailbox: `${STORE}/alpha.example/alfred`, originalTo: recipient, relay: null },
      });
      const replies = await strangerSends(host, ["team@alpha.example"], "to the team");
      expect(replies[0]).toMatch(/^250 /);
      for (const name of ["alfred", "berta"])
        await arrives(host, `${STORE}/alpha.example/${name}/new`, "to the team");
      for (const name of ["gone", "nobody"])
        expect(await answerTo(host, `${name}@alpha.example`)).toMatch(/^550 5\.1\.1 /);
      for (const domain of ["later.example", "off.example"])
        expect(await answerTo(host, `alfred@${domain}`)).toMatch(/^[45]54 .*Relay access/);
    });

    test.each<[string, Partial<VirtualAccountsMysql>, RegExp]>([
      ["a wrong password", { password: "canary-wrong" }, /Access denied for user 'postfix'/],
      [
        "an unknown database",
        { database: "nowhere" },
        /(Access denied|Unknown).* database 'nowhere'/,
      ],
      [
        "an unknown table",
        { queries: { ...QUERIES, accounts: "SELECT box FROM absent WHERE n = '%s'" } },
        /mysql_accounts\.cf .*absent/s,
      ],
      [
        "a wrong query",
        { queries: { ...QUERIES, accounts: "SELECT FROM people WHERE '%s'" } },
        /mysql_accounts\.cf .*error in your SQL syntax/s,
      ],
      ["a port where no server is", { port: 3307 }, /127\.0\.0\.1:3307.*Can't connect/s],
    ])("%s is refused in the database's words, and Postfix goes on", async (_what, more, says) => {
      const before = await tables();
      said();
      const all = await refusals(accounts(more));
      if (more.port === undefined) expect(all[0]).toMatch(says);
      expect(all[1]).toMatch(says);
      expect(JSON.stringify(all) + said()).not.toContain("canary");
      expect(await tables()).toBe(before);
      await check({ recipient: "berta@alpha.example", deliveredBy: "mailbox" });
    });

    test("wait where the database goes down later: nothing is refused for good, and up has nothing to do", async () => {
      await database.kill();
      try {
        await reload();
        expect(await answerTo(host, "alfred@alpha.example")).toMatch(/^451 4\.3\.0 /);
        expect(await answerTo(host, "nobody@alpha.example")).toMatch(/^451 4\.3\.0 /);
        await sh(
          host,
          "printf 'Subject: meanwhile\n\n' | /usr/local/sbin/sendmail alfred@alpha.example",
        );
        await expect(check({ recipient: "alfred@alpha.example" })).rejects.toThrow(/451 4\.3\.0 /);
        for (const made of placed.values()) {
          await refresh(made);
          expect(await differs(made)).toBe(false);
          await update(made);
        }
      } finally {
        await database.start();
      }
      await reload();
      await arrives(host, `${STORE}/alpha.example/alfred/new`, "meanwhile");
      await check({ recipient: "alfred@alpha.example", deliveredBy: "mailbox" });
    });

    test("are asked by queries of the program's own", async () => {
      for (const { kind, name, args } of await roleSteps([accounts({ queries: QUERIES })], MORE))
        await update(placed.get(name) as Made, news(kind, args, name));
      await serve(placed);
      const mailbox = `${STORE}/beta.example/carla`;
      for (const recipient of ["carla@beta.example", "whoever@beta.example"])
        expect(await check({ recipient, deliveredBy: "mailbox" })).toMatchObject({ mailbox });
    });

    test("know no domain by a query with %d, which the role therefore refuses", async () => {
      const script =
        "sed 's/%s/%d/' /etc/postfix/mysql_domains.cf > /root/asked.cf; /usr/local/sbin/postmap -q beta.example mysql:/root/asked.cf; echo $?; rm /root/asked.cf";
      expect(await sh(host, script)).toBe("1\n");
    });

    test("have their password in their own files alone", async () => {
      for (const secret of [PASSWORD, "canary-wrong"]) {
        const script = `grep -rlF "${secret.replace("$", "\\$")}" /etc /var /root /tmp /home 2>/dev/null; true`;
        const found = (await sh(host, script)).split("\n").filter((path) => path !== "");
        const own = ["accounts", "aliases", "domains"].map(
          (name) => `/etc/postfix/mysql_${name}.cf`,
        );
        expect(found.sort()).toEqual(secret === PASSWORD ? own : []);
      }
    });
  });
});
