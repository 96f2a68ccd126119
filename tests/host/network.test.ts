/** Two hosts that reach each other, and connections from a stranger's address. */
import { startHost, type Release, type TestHost } from "../../testing";
import { eventually } from "./packages";
import { sh } from "../preview/server";
import { dialogue, servePostfix } from "./smtp";

// The hub is a newer one: what Postfix logs in its chroot is lost before sendsyslog(2), as on OpenBSD.
describe.each(["7.8", "4.7"] as Release[])("a host of %s with another as its relay", (release) => {
  let outer: TestHost;
  let hub: TestHost;

  beforeAll(async () => {
    [outer, hub] = await Promise.all([startHost({ release }), startHost({ release: "7.8" })]);
    await outer.reach(hub, { at: "10.1.0.2", from: "10.1.0.1" });
    await Promise.all([
      servePostfix(outer, ["myhostname = outer.example.org", "relayhost = [10.1.0.2]"]),
      servePostfix(hub, ["myhostname = hub.example.org", "mynetworks = 127.0.0.0/8"]),
    ]);
  });

  afterAll(() => Promise.all([outer.stop(), hub.stop()]));

  const send = (recipient: string): Promise<string> =>
    sh(outer, `printf 'Subject: over\\n\\nHello\\n' | /usr/local/sbin/sendmail ${recipient}`);

  test("a message goes from one Postfix to the other, which sees the address", async () => {
    await send("alice@hub.example.org");
    await eventually(hub, "grep -q Hello /var/mail/alice");
    const log = await sh(hub, "cat /var/log/maillog");
    expect(log).toContain("client=unknown[10.1.0.1]");
  });

  test("the address of the other host decides whether it may relay", async () => {
    await send("bob@elsewhere.example.net");
    await eventually(hub, "grep 'reject: RCPT from unknown.10.1.0.1.: 454' /var/log/maillog");
  });

  test("a stranger is served, may not relay, and hundreds of them take no time", async () => {
    const lines = [
      "HELO stranger.example.net",
      "MAIL FROM:<eve@example.net>",
      "RCPT TO:<alice@hub.example.org>",
      "RCPT TO:<bob@elsewhere.example.net>",
    ];
    const replies = await dialogue(await hub.dial(25), lines);
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["220", "250", "250", "250", "454"]);
    const log = await sh(hub, "cat /var/log/maillog");
    expect(log).toContain("RCPT from unknown[192.0.2.9]: 454");
    const start = Date.now();
    for (let nth = 0; nth < 200; nth++) {
      const connection = await hub.dial(25, { from: `198.51.100.${nth + 1}` });
      await dialogue(connection, ["HELO stranger.example.net"]);
    }
    expect(Date.now() - start).toBeLessThan(20_000);
  });

  test("nothing on the host shows a stranger's address as its own", async () => {
    const own = await sh(hub, "/usr/local/sbin/postconf -h inet_interfaces mynetworks");
    expect(own).not.toContain("192.0.2");
    await expect(hub.dial(465)).rejects.toThrow("Connection refused");
  });

  test("the way stays over a reboot, and ends with the other host", async () => {
    await hub.reboot();
    await sh(hub, "pgrep -x master || /usr/local/sbin/postfix start >/dev/null 2>&1");
    await send("alice@hub.example.org");
    await eventually(hub, "[ $(grep -c Hello /var/mail/alice) = 2 ]");
    await hub.stop();
    await send("alice@hub.example.org");
    await eventually(outer, "/usr/local/sbin/mailq | grep alice@hub");
  });
});
