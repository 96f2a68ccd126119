/** No mail is lost on the way to Postfix and back, and a host that is left in the middle goes back by itself. */
import { forgetPlans } from "../../provider/driver/overlay";
import { connect } from "../../provider/host/pool";
import { lookAt } from "../../provider/host/look";
import { RECORD } from "../../provider/host/recordLook";
import { platformOf } from "../../provider/openbsd/platform";
import { armSwitch, reportWatch } from "../../provider/postfix/watch";
import { startHost, type Release, type TestHost } from "../../testing";
import { bannerOf, connectionTo, packageOf, PARAMETERS, RELEASES, sh } from "../preview/server";
import { create, inputsOf, type Made, remove, said } from "./provider";

const BASE = { ...PARAMETERS, inet_interfaces: "127.0.0.1" };
const OURS = /^220 .*Postfix/;
const THEIRS = /^220 .*(Sendmail|OpenSMTPD)/;

const mailerConf = (host: TestHost): Promise<string> => sh(host, "cat /etc/mailer.conf");

async function eventually(question: () => Promise<boolean>, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await question()) return true;
    if (Date.now() > end) return false;
    await new Promise((done) => setTimeout(done, 200));
  }
}

describe.each(RELEASES)("OpenBSD %s", (release: Release) => {
  let host: TestHost;
  let pkg: Made;
  let base: string;
  beforeAll(async () => {
    host = await startHost({ release });
    base = await mailerConf(host);
    forgetPlans();
    const connection = connectionTo(host);
    pkg = await create(
      "PostfixPackage",
      inputsOf("PostfixPackage", packageOf(release), connection),
    );
    await create("MainCf", inputsOf("MainCf", { parameters: BASE }, connection));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    forgetPlans();
    said();
  });
  const make = (kind: string, args: Record<string, unknown> = {}): Promise<Made> =>
    create(kind, inputsOf(kind, args, connectionTo(host)));

  test("left between the stop of the base mailer and the start of Postfix, the host goes back by itself", async () => {
    const conf = await make("MailerConf");
    const mailer = await make("BaseMailer");
    expect(await bannerOf(host)).toBe("");
    const reached = await connect(connectionTo(host) as never);
    const platform = platformOf(release);
    // As the stop has armed it, with a shorter time.
    await reached.change("the test", async (writer) => {
      const record = await lookAt(writer, RECORD);
      const watch = { purpose: "the stop of it", seconds: 1, first: [], always: false };
      expect((await armSwitch(writer, { platform, record }, watch)).was).toBe("armed");
    });
    expect(await eventually(async () => THEIRS.test(await bannerOf(host)), 20)).toBe(true);
    expect(await mailerConf(host)).toBe(base);
    const told: string[] = [];
    await reached.change("the test", (writer) =>
      reportWatch(writer, (text) => void told.push(text)),
    );
    expect(told).toEqual([
      expect.stringMatching(/went back to what served before \(\/etc\/mailer/),
    ]);
    await remove(mailer);
    await remove(conf);
  });

  test("what somebody else has changed meanwhile is left as it is, and a restart of the host ends the watch", async () => {
    await sh(host, "echo before > /tmp/watched");
    const reached = await connect(connectionTo(host) as never);
    const arm = (withinMs: number): Promise<void> =>
      reached.change("the test", async (writer) => {
        await writer.arm({
          purpose: "a test",
          withinMs,
          files: [{ path: "/tmp/watched", contents: "back\n", expect: { sha256: "0".repeat(64) } }],
          commands: [["/usr/bin/touch", "/tmp/done"]],
          unlessLocked: "/nonexistent",
          always: true,
          again: false,
        });
      });
    await arm(300);
    expect(await eventually(async () => (await sh(host, "ls /tmp")).includes("done"), 20)).toBe(
      true,
    );
    expect(await sh(host, "cat /tmp/watched")).toBe("before\n");
    await arm(600_000);
    await host.reboot();
    const again = await connect(connectionTo(host) as never);
    const end = await again.change("the test", (writer) => writer.disarm());
    expect(end).toEqual({ was: "lost", outcome: "a test" });
    expect((await again.change("the test", (writer) => writer.disarm())).was).toBe("none");
    expect(await sh(host, "ls /var/db/pulumi-openbsd-postfix")).not.toContain("watch");
  });

  test("mail that Postfix cannot deliver stops the way back before anything is undone; then mail comes back first", async () => {
    const conf = await make("MailerConf");
    const mailer = await make("BaseMailer");
    const service = await make("PostfixService");
    const switched = await mailerConf(host);
    await sh(
      host,
      `printf 'Subject: x\\n\\nx\\n' | /usr/sbin/sendmail -f root someone@elsewhere.example
       i=0; until /usr/local/sbin/postqueue -p | grep -q elsewhere || [ $i -gt 50 ]; do sleep 0.1; i=$((i+1)); done`,
    );
    const refused = await remove(service).then(
      () => "",
      (error: unknown) => (error as Error).message,
    );
    expect(refused).toMatch(/could not deliver 1 message.*someone@elsewhere.*Nothing was changed/s);
    expect(await bannerOf(host)).toMatch(OURS);
    expect(await mailerConf(host)).toBe(switched);
    await sh(host, "/usr/local/sbin/postsuper -d ALL 2>&1");
    await remove(service);
    expect(await bannerOf(host)).toMatch(THEIRS);
    expect(await mailerConf(host)).toBe(base);
    await remove(mailer);
    await remove(conf);
    expect(await mailerConf(host)).toBe(base);
  });

  if (release === "4.7")
    test("mail that was submitted while nobody listened does not wait for cron after the way back", async () => {
      const conf = await make("MailerConf");
      const mailer = await make("BaseMailer");
      const service = await make("PostfixService");
      // As the base system's sendmail leaves a message where no daemon takes it.
      await sh(
        host,
        "printf 'Subject: waits\\n\\nx\\n' | /usr/libexec/sendmail/sendmail -Ac -odq -f bob alice@localhost",
      );
      expect(await sh(host, "/usr/libexec/sendmail/sendmail -Ac -bp")).toMatch(/alice@localhost/);
      await remove(service);
      const arrived = async (): Promise<boolean> =>
        (await sh(host, "cat /var/mail/alice || true")).includes("Subject: waits");
      expect(await eventually(arrived, 20)).toBe(true);
      await remove(mailer);
      await remove(conf);
    });

  if (release === "7.8")
    test("what smtpd could not deliver is Postfix's after the switch, with its envelope", async () => {
      await sh(
        host,
        `smtpctl pause mta; printf 'Subject: kept\\n\\nbody\\n' | /usr/sbin/sendmail -f alice someone@elsewhere.example
         i=0; until smtpctl show queue | grep -q elsewhere || [ $i -gt 50 ]; do sleep 0.1; i=$((i+1)); done`,
      );
      await make("MailerConf");
      await make("BaseMailer");
      expect(said()).toMatch(/could not deliver 1 message\(s\); they were handed to Postfix/);
      await make("PostfixService");
      const waits = async (): Promise<boolean> =>
        /alice@\S+[^]*someone@elsewhere\.example/.test(
          await sh(host, "/usr/local/sbin/postqueue -p"),
        );
      expect(await eventually(waits, 20)).toBe(true);
      expect(pkg.props["name"]).toMatch(/^postfix-/);
    });
});
