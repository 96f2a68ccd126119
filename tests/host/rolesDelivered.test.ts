/**
 * Roles proven by mail: what a stranger sends arrives where the role says, at another server or in a mailbox, and what
 * the role does not take is refused while the sender waits.
 */
import type { Contribution } from "../../components/roles/contribution";
import { mailRelay } from "../../components/roles/mailRelay";
import { virtualAccounts } from "../../components/roles/virtualAccounts";
import { forgetPlans } from "../../provider/driver/overlay";
import { startHost, type TestHost } from "../../testing";
import { connectionTo, ENTRIES, packageOf, RELEASES, sh } from "../preview/server";
import { eventually } from "./packages";
import { create, inputsOf, type Made, remove, update } from "./provider";
import { roleSteps } from "./roleSteps";
import { dialogue, servePostfix } from "./smtp";

/** The server that relays hand mail on to: one for all tests. */
let inner: TestHost;

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
  let service: Made;

  const news = (kind: string, args: Record<string, unknown>, name = kind) =>
    inputsOf(kind, args, connectionTo(host), { name });
  const make = (kind: string, args: Record<string, unknown>): Promise<Made> =>
    create(kind, news(kind, args));

  beforeAll(async () => {
    host = await startHost({ release, extras: ["mariadb", "flavors"] });
    await host.reach(inner, { at: "10.1.0.2", from: "10.1.0.1" });
    await make("PostfixPackage", packageOf(release));
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
});
