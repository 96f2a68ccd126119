/** What the mail log says of a message, and reading that log while it grows and is rotated. */
import type { HostReader, TailState } from "../../provider/host/host";
import { relayedTo, traceMessage } from "../../provider/postfix/messageTrace";
import { MailLog } from "../../provider/postfix/mailLog";

const at = "Nov 22 21:15:07 mx1 postfix";
const local = (id: string, status: string, to = "alice@example.org"): string =>
  `${at}/local[12]: ${id}: to=<${to}>, orig_to=<root@localhost>, relay=local, delay=0.09, delays=0.06/0/0/0.03, dsn=2.0.0, status=${status}\n`;
const removed = (id: string): string => `${at}/qmgr[13]: ${id}: removed\n`;
const noise =
  `${at}/smtpd[14]: connect from localhost[127.0.0.1]\n` +
  `${at}/smtpd[14]: NOQUEUE: reject: RCPT from a\n` +
  local("9999AAAA", "sent (delivered to mailbox)", "other@example.org") +
  removed("9999AAAA");

test.each(["7A3BFA400D2", "4VZ8mk6Lzcz1v"])(
  "a message is done when it is sent and out of the queue, under a queue id like %s",
  (id) => {
    const sent = noise + local(id, "sent (delivered to mailbox)") + noise;
    expect(traceMessage(sent, id)).toMatchObject({ done: false, queued: [id], failed: undefined });
    const trace = traceMessage(sent + removed(id), id);
    expect(trace).toMatchObject({ done: true, ids: [id], queued: [] });
    expect(trace.lines).toHaveLength(2);
    expect(trace.deliveries).toMatchObject([
      { to: "alice@example.org", relay: "local", status: "sent", detail: "delivered to mailbox" },
    ]);
  },
);

test("a message that leaves the queue without a delivery is not done", () => {
  expect(traceMessage(removed("AB12"), "AB12").done).toBe(false);
});

test("a message is followed under the id that it goes on with, forwarded or through a filter", () => {
  const filter = `${at}/smtp[15]: BB22: to=<alice@example.org>, relay=127.0.0.1[127.0.0.1]:10025, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10026): 250 2.0.0 Ok: queued as CC33)\n`;
  const first = local("AA11", "sent (forwarded as BB22)") + removed("AA11");
  expect(traceMessage(first, "AA11")).toMatchObject({ done: false, queued: ["BB22"] });
  const second = first + filter + removed("BB22");
  expect(traceMessage(second, "AA11")).toMatchObject({ done: false, queued: ["CC33"] });
  const third = second + local("CC33", "sent (delivered to maildir)") + removed("CC33");
  expect(traceMessage(third, "AA11")).toMatchObject({ done: true, ids: ["AA11", "BB22", "CC33"] });
});

test("another host that took the message is its end: its queue ids are not ours", () => {
  const relayed = `${at}/smtp[15]: AA11: to=<a@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as BB22)\n`;
  expect(traceMessage(relayed + removed("AA11"), "AA11")).toMatchObject({
    done: true,
    ids: ["AA11"],
  });
});

test.each([
  ["postfix/smtp", "mx.example.net[192.0.2.1]:25", "250 2.0.0 Ok: queued as BB22", "BB22"],
  [
    "postfix/relay/smtp",
    "mx.example.net[2001:db8::1]:587",
    "250 OK id=1tAbc-00x-2Y",
    "1tAbc-00x-2Y",
  ],
  ["postfix/smtp", "127.0.0.1[127.0.0.1]:2525", "250 Ok", null],
  ["postfix/smtp", "127.0.0.1[127.0.0.1]:2525", "250 2.0.0 Ok: queued as BB22", undefined],
  ["postfix/lmtp", "mx1[127.0.0.1]:24", "250 2.0.0 <a> Saved", undefined],
  ["postfix/lmtp", "mx1.example.org[private/dovecot-lmtp]", "250 2.0.0 <a> Saved", undefined],
  ["postfix/local", "local", "delivered to mailbox", undefined],
  ["postfix/virtual", "virtual", "delivered to maildir", undefined],
])("%s with relay=%s (%s): another server has it as %p", (tag, relay, detail, id) => {
  const line = `Nov 22 21:15:07 mx1 ${tag}[12]: AA11: to=<a@example.net>, relay=${relay}, delay=1, dsn=2.0.0, status=sent (${detail})\n`;
  const { deliveries } = traceMessage(line, "AA11");
  expect(deliveries.map(({ agent }) => agent)).toEqual([tag.split("/").at(-1)]);
  expect(deliveries.map(relayedTo)).toEqual([
    id === undefined ? undefined : { relay, remoteQueueId: id },
  ]);
});

test.each(["deferred", "bounced", "expired", "undeliverable"])(
  "one recipient with status=%s fails the message, whatever became of the others",
  (status) => {
    const log =
      local("AA11", "sent (delivered to mailbox)") + local("AA11", `${status} (why (not))`, "b@x");
    expect(traceMessage(log, "AA11")).toMatchObject({
      done: false,
      failed: { status, to: "b@x", detail: "why (not)" },
    });
  },
);

test("an id is compared whole: neither a longer one nor one inside a text is the message", () => {
  const log =
    local("AA112", "sent (delivered to mailbox)") + `${at}/qmgr[1]: warning: AA11: removed\n`;
  expect(traceMessage(log, "AA11").lines).toEqual([]);
});

/** A log that changes with every look at it. */
function hostWith(
  states: readonly Readonly<Record<string, { inode: string; text: string } | null>>[],
): HostReader {
  let look = -1;
  const tail = (path: string, offset: number, limit: number): TailState | null => {
    const file = states[Math.min(look, states.length - 1)]?.[path] ?? null;
    if (file === null) return null;
    const size = file.text.length;
    const from = offset < 0 ? Math.max(0, size + offset) : offset;
    return { size, inode: file.inode, contents: file.text.slice(from, from + limit) };
  };
  return {
    address: "root@test:22",
    fingerprint: "",
    fingerprints: [""],
    system: {
      name: "OpenBSD",
      release: "7.8",
      machine: "",
      hostname: "",
      perl: "",
      uid: 0,
      hostKeys: [],
    },
    read: (facts) => {
      look += 1;
      const answers = Object.entries(facts).map(([name, fact]) => {
        if (fact.fact !== "tail") throw new Error("not asked for here");
        return [name, tail(fact.path, fact.offset, fact.limit)];
      });
      return Promise.resolve(Object.fromEntries(answers) as never);
    },
    judge: () => Promise.reject(new Error("not asked for here")),
  };
}

const LOG = "/var/log/maillog";

test("only whole lines that were written since the beginning are read", async () => {
  const host = hostWith([
    { [LOG]: { inode: "1", text: "old\n" } },
    { [LOG]: { inode: "1", text: "old\none\ntw" } },
    { [LOG]: { inode: "1", text: "old\none\ntwo\n" } },
  ]);
  const log = await MailLog.from(host);
  expect(await log.read()).toBe("one\n");
  expect(await log.read()).toBe("one\ntwo\n");
});

test("a rotated log is read to its end and from its beginning; a compressed one from its beginning", async () => {
  const start = { [LOG]: { inode: "1", text: "old\n" } };
  const fresh = { inode: "2", text: "two\n" };
  const kept = [start, { [LOG]: fresh, [`${LOG}.0`]: { inode: "1", text: "old\none\n" } }];
  expect(await (await MailLog.from(hostWith(kept))).read()).toBe("one\ntwo\n");
  const packed = [start, { [LOG]: fresh, [`${LOG}.0`]: { inode: "7", text: "something else" } }];
  expect(await (await MailLog.from(hostWith(packed))).read()).toBe("two\n");
  const cut = [start, { [LOG]: { inode: "1", text: "x\n" } }];
  expect(await (await MailLog.from(hostWith(cut))).read()).toBe("x\n");
});

test("more than fits into one answer is read in pieces, and a log that is not there yet is waited for", async () => {
  const text = `${"x".repeat(300_000)}\n${"y".repeat(300_000)}\n`;
  const log = await MailLog.from(
    hostWith([{ [LOG]: null }, { [LOG]: null }, { [LOG]: { inode: "1", text } }]),
  );
  expect(await log.read()).toBe("");
  expect(await log.read()).toBe(text);
});
