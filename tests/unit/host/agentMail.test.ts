/** One message found in a mailbox, and taken out, under locks; every other byte as it was. */
import fc from "fast-check";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  linkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import type { AgentClient } from "../../../provider/host/agentClient";
import type { MessageFound, MessageRequest } from "../../../provider/host/host";
import { Sandbox } from "./localAgent";

let box: Sandbox;
let client: AgentClient;
beforeEach(async () => {
  box = new Sandbox();
  client = (await box.agent()).client;
});
afterEach(() => box.clean());

const DOMAIN = "test.invalid";
const message = (id: string, body = "text"): string =>
  `From sender Mon Jan  5 10:00:00 2026\nReceived: by mx\nMessage-Id: <${id}>\nX-Original-To: root@localhost\n\n${body}\n\n`;
const OURS = message(`00aa@${DOMAIN}`);

const take = (more: Partial<MessageRequest> = {}): Promise<MessageFound> =>
  client.change("a test", (host) =>
    host.takeMessage({
      kind: "mbox",
      path: box.in("box"),
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      spool: false,
      messageId: `00aa@${DOMAIN}`,
      domain: DOMAIN,
      keep: false,
      created: false,
      locks: "flock, dotlock",
      timeoutMs: 2_000,
      ...more,
    }),
  );
const text = (): string => readFileSync(box.in("box"), "latin1");

test("any mail around it stays, byte for byte, and its headers come back", async () => {
  const body = fc
    .array(
      fc.constantFrom(
        "From x\n",
        "\n",
        "\n\n",
        ">From y\n",
        "Message-Id: <00aa@test.invalid>\n",
        "é\r\n",
        "\0",
      ),
      { maxLength: 6 },
    )
    .map((parts) => `Subject: s\n\n${parts.join("").replace(/(^|\n)From /g, "$1>From ")}`);
  // As deliverers write it: a "From " line, the message, an empty line.
  const mail = fc.array(
    body.map((one) => `From other Mon Jan  5 10:00:00 2026\n${one}\n\n`),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(mail, mail, async (before, after) => {
      const [head, tail] = [before.join(""), after.join("")];
      writeFileSync(box.in("box"), `${head}${OURS}${tail}`, "latin1");
      const { ino } = statSync(box.in("box"));
      const found = await take();
      expect(found).toMatchObject({ found: true, stale: 0 });
      expect(found.headers).toContain("X-Original-To: root@localhost\n");
      expect(text()).toBe(Buffer.from(`${head}${tail}`, "latin1").toString("latin1"));
      expect(statSync(box.in("box")).ino).toBe(ino);
      expect(await take()).toMatchObject({ found: false });
    }),
    { numRuns: 200 },
  );
  expect(readdirSync(box.path)).toEqual(["box"]);
});

test("what earlier runs left goes as well, and what was to be kept stays", async () => {
  const kept = message(`kept-00bb@${DOMAIN}`);
  writeFileSync(box.in("box"), `${message(`00cc@${DOMAIN}`)}${kept}${OURS}${message("1@x")}`);
  expect(await take()).toMatchObject({ found: true, stale: 1 });
  expect(text()).toBe(`${kept}${message("1@x")}`);
  expect(await take({ messageId: `kept-00bb@${DOMAIN}`, keep: true })).toMatchObject({
    found: true,
  });
  expect(text()).toBe(`${kept}${message("1@x")}`);
});

test("a mailbox that came with the message goes with it; one that was there stays, empty", async () => {
  writeFileSync(box.in("box"), OURS);
  await take();
  expect(text()).toBe("");
  writeFileSync(box.in("box"), OURS);
  await take({ created: true });
  expect(existsSync(box.in("box"))).toBe(false);
  writeFileSync(box.in("box"), `${OURS}${message("1@x")}`);
  await take({ created: true });
  expect(text()).toBe(message("1@x"));
  expect(await take({ path: box.in("none") })).toMatchObject({ found: false });
});

test("a mailbox that is locked is waited for, and given up in its time", async () => {
  writeFileSync(box.in("box"), OURS);
  writeFileSync(box.in("box.lock"), "");
  await expect(take({ timeoutMs: 300 })).rejects.toThrow("another process holds the lock");
  setTimeout(() => unlinkSync(box.in("box.lock")), 300);
  expect(await take()).toMatchObject({ found: true });
  await expect(take({ locks: "fcntl" })).rejects.toThrow("only flock and dotlock are supported");
});

test("a mailbox under flock(2) is waited for", async () => {
  writeFileSync(box.in("box"), OURS);
  const other = (await box.agent({ record: box.in("other") })).client;
  const script = 'open F, "+<", shift or die; flock F, LOCK_EX; mkdir shift; sleep 1; rmdir shift';
  const holding = other.change("hold", (host) =>
    host.run({
      argv: ["perl", "-MFcntl=:flock", "-e", script, box.in("box"), box.in("held"), box.in("held")],
    }),
  );
  while (!existsSync(box.in("held"))) await new Promise((resolve) => setTimeout(resolve, 10));
  await expect(take({ locks: "flock", timeoutMs: 200 })).rejects.toThrow("holds the lock");
  expect(await take({ locks: "flock" })).toMatchObject({ found: true });
  await holding;
});

test("a link, a file with two names, a folder and a pipe are no mailbox", async () => {
  writeFileSync(box.in("real"), OURS);
  symlinkSync(box.in("real"), box.in("link"));
  linkSync(box.in("real"), box.in("two"));
  mkdirSync(box.in("folder"));
  await client.change("a test", (host) => host.run({ argv: ["mkfifo", box.in("pipe")] }));
  for (const name of ["link", "two", "folder", "pipe"])
    await expect(take({ path: box.in(name) })).rejects.toMatchObject({ kind: "refused" });
  expect(readFileSync(box.in("real"), "utf8")).toBe(OURS);
  symlinkSync(box.in("folder"), box.in("maildir"));
  await expect(take({ kind: "maildir", path: box.in("maildir") })).rejects.toThrow(
    "is not a folder",
  );
});

test("only the end of a large mailbox is read, from its first whole message on", async () => {
  const large = message("1@x", "x".repeat(17 * 1024 * 1024));
  writeFileSync(box.in("box"), `${large}${message("2@x")}${OURS}${message("3@x")}`);
  expect(await take()).toMatchObject({ found: true });
  expect(text() === `${large}${message("2@x")}${message("3@x")}`).toBe(true);
});

test("mail that is delivered at the same time is all there", async () => {
  writeFileSync(box.in("box"), "");
  const deliver = `
    use Fcntl qw(:DEFAULT :flock);
    my ($box, $who) = @ARGV;
    for my $n (1 .. 30) {
      until (sysopen my $lock, "$box.lock", O_WRONLY | O_CREAT | O_EXCL, 0) { select undef, undef, undef, 0.005 }
      open my $mail, ">>", $box or die;
      flock $mail, LOCK_EX;
      print $mail "From x Mon Jan  5 10:00:00 2026\\nSubject: $who-$n\\n\\n", "y" x 5000, "\\n\\n";
      close $mail;
      unlink "$box.lock";
      select undef, undef, undef, 0.003;
    }`;
  const other = (await box.agent({ record: box.in("other") })).client;
  const running = other.change("deliver", (host) =>
    Promise.all(
      ["a", "b"].map((who) => host.run({ argv: ["perl", "-e", deliver, box.in("box"), who] })),
    ),
  );
  const ours = OURS.replace(/\n/g, "\\n");
  for (let round = 0; round < 8; round += 1) {
    await client.change("deliver", (host) =>
      host.run({
        argv: [
          "perl",
          "-MFcntl=:DEFAULT",
          "-e",
          `my $box = shift; until (sysopen my $lock, "$box.lock", O_WRONLY | O_CREAT | O_EXCL, 0) { select undef, undef, undef, 0.005 } open my $mail, ">>", $box or die; print $mail "${ours.replace(/@/g, "\\@")}"; close $mail; unlink "$box.lock"`,
          box.in("box"),
        ],
      }),
    );
    expect(await take()).toMatchObject({ found: true });
  }
  expect((await running).map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, ""],
    [0, ""],
  ]);
  const all = text();
  for (const who of ["a", "b"])
    for (let n = 1; n <= 30; n += 1)
      expect(all.split(`\nSubject: ${who}-${n}\n\n${"y".repeat(5000)}\n\n`)).toHaveLength(2);
  expect(all.match(/^From /gm)).toHaveLength(60);
});

describe("a maildir", () => {
  const maildir = (files: Readonly<Record<string, string>>): void => {
    for (const part of ["new", "cur", "tmp"]) mkdirSync(box.in("box", part), { recursive: true });
    for (const [name, contents] of Object.entries(files))
      writeFileSync(box.in("box", name), contents);
  };
  const body = (id: string): string =>
    `Message-Id: <${id}>\nX-Original-To: root@localhost\n\ntext\n`;

  test("loses the message, new or read, and what earlier runs left, and nothing else", async () => {
    maildir({
      "new/1700000002.a": body(`00aa@${DOMAIN}`),
      "cur/1700000001.b:2,S": body(`00bb@${DOMAIN}`),
      "cur/1600000000.c": body("1@x"),
      "new/1600000001.d": `Subject: s\n\nMessage-Id: <00aa@${DOMAIN}>\n`,
    });
    expect(await take({ kind: "maildir" })).toMatchObject({ found: true, stale: 1 });
    expect(readdirSync(box.in("box/new"))).toEqual(["1600000001.d"]);
    expect(readdirSync(box.in("box/cur"))).toEqual(["1600000000.c"]);
  });

  test("that came with the message goes with it, unless something else is in it", async () => {
    maildir({ "new/1.a": body(`00aa@${DOMAIN}`), "new/1.b": body("1@x") });
    await take({ kind: "maildir", created: true });
    expect(readdirSync(box.in("box/new"))).toEqual(["1.b"]);
    unlinkSync(box.in("box/new/1.b"));
    await take({ kind: "maildir", created: true });
    expect(existsSync(box.in("box"))).toBe(false);
  });
});

test("the rights are those of the mailbox's owner where names in its folder are the owner's", async () => {
  if (process.getuid?.() !== 0) return;
  chmodSync(box.path, 0o755);
  mkdirSync(box.in("home"), { mode: 0o755 });
  writeFileSync(box.in("home/box"), OURS, { mode: 0o600 });
  // Root's file: the user may not even read it, and root does not do it for the user.
  await expect(take({ path: box.in("home/box"), uid: 12345, gid: 12345 })).rejects.toThrow(
    "cannot open the mailbox",
  );
  chownSync(box.in("home"), 12345, 12345);
  chownSync(box.in("home/box"), 12345, 12345);
  chmodSync(box.in("home/box"), 0o400);
  // Nor what the user may not write, which root could.
  await expect(take({ path: box.in("home/box"), uid: 12345, gid: 12345 })).rejects.toThrow(
    "Permission denied",
  );
  chownSync(box.in("home"), 0, 0);
  // In a folder of mailboxes that only root can write to, root works on it, as local(8) does.
  expect(
    await take({ path: box.in("home/box"), uid: 12345, gid: 12345, spool: true }),
  ).toMatchObject({ found: true });
});
