/** Whose processes count as Postfix and as the base mailer, and which lines of the log say whom to look at. */
import fc from "fast-check";
import { platformOf } from "../../provider/openbsd/platform";
import { baseMailerProcesses, POSTFIX, PROCESSES } from "../../provider/postfix/processes";
import { endedDaemons } from "../../provider/postfix/provenDaemons";
import { whoServes } from "../../provider/postfix/running";
import type { HostReader } from "../../provider/host/host";
import { file, seen } from "./fakeHost";

const INIT = "    1     0     0     0 init\n";
const PID_FILE = { "/var/spool/postfix/pid/master.pid": file("          42\n") };

test.each(["4.7", "5.6", "7.8"])(
  "OpenBSD %s: no title makes a process of an ordinary user, or one that such a user started, the base mailer",
  async (release) => {
    const titles = ["smtpd: x", "/usr/sbin/smtpd", "sendmail: accepting connections"];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...titles),
        fc.integer({ min: 0, max: 70_000 }),
        fc.integer({ min: 1000, max: 70_000 }),
        async (title, uid, other) => {
          const rows = `${INIT} 9 1 ${uid} ${other} ${title}\n 10 1 ${other} ${uid} ${title}\n`;
          const look = baseMailerProcesses(platformOf(release).baseMailer);
          expect(await seen(look, { prints: [["/bin/ps", rows]] })).toEqual([]);
        },
      ),
    );
  },
);

test.each([
  ["no init among them", " 9 1 0 0 /usr/sbin/smtpd\n"],
  ["nothing", ""],
])("a list of processes with %s is unknown, not empty", async (_what, rows) => {
  expect(await seen(PROCESSES, { prints: [["/bin/ps", rows]] })).toHaveProperty("unknown");
});

test("Postfix's master is the process of root with the number behind the lock, and its children are its own", async () => {
  const rows = `${INIT} 41 1 1000 1000 /usr/local/libexec/postfix/master -w
 42 1 0 0 /usr/local/libexec/postfix/master -w
 43 42 507 507 qmgr -l -t unix -u
 44 41 1000 1000 qmgr -l -t unix -u\n`;
  const prints: [string, string][] = [["/bin/ps", rows]];
  // The imitation of a host ends with 1 where it prints nothing, as `master -t` does where the lock is held.
  const found = await seen(POSTFIX, { prints, files: PID_FILE });
  expect(found).toMatchObject({ master: 42, children: [{ pid: 43 }] });
  const stale = { "/var/spool/postfix/pid/master.pid": file("41\n") };
  expect(await seen(POSTFIX, { prints, files: stale })).toBeNull();
});

test("who serves is said to be unknown where ps fails", async () => {
  const host = {
    read: (facts: Record<string, { readonly fact: string }>) =>
      Promise.resolve(
        Object.fromEntries(
          Object.entries(facts).map(([name, { fact }]) => [
            name,
            fact === "probe" ? { notFound: true } : fact === "file" ? { type: "absent" } : null,
          ]),
        ),
      ),
  } as unknown as HostReader;
  expect(await whoServes(host, platformOf("7.8"))).toBe(
    "it is not known which mailer runs, because the host has no /bin/ps",
  );
});

describe("the log says whom to look at", () => {
  const says = (text: string): string[] => [...endedDaemons(text, 42)];
  const died = "warning: process /usr/local/libexec/postfix/qmgr pid 7 exit status 1";

  test.each([
    [`Nov 30 03:06:51 mx1 postfix/master[42]: ${died}`],
    [`2026-11-30T03:06:51.123Z mx1 postfix/master[42]: ${died}`],
    [
      "Nov  3 03:06:51 mx1 mail-in/master[42]: warning: /usr/local/libexec/postfix/qmgr: bad command startup -- throttling",
    ],
  ])("%s", (line) => {
    expect(says(`${line}\n`)).toEqual(["qmgr"]);
  });

  test.each([
    [`Nov 30 03:06:51 mx1 postfix/master[41]: ${died}`],
    [`Nov 30 03:06:51 mx1 postfix/smtpd[9]: warning: x postfix/master[42]: ${died}`],
    [`postfix/master[42]: ${died}`],
    [`Nov 30 03:06:51 mx1 postfix/smtpd[9]: non-SMTP command: GET /master[42]: ${died}`],
  ])("but not: %s", (line) => {
    expect(says(`${line}\n`)).toEqual([]);
  });
});
