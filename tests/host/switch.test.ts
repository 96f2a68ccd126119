/** The switch from one mailer to the other beyond what every step is held to: what it says, and what it survives. */
import { diffTrees, startHost, type TestHost } from "../../testing";
import { forgetPlans } from "../../provider/driver/overlay";
import { connectionTo, packageOf, PARAMETERS, sh } from "../preview/server";
import {
  appliedOf,
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

const RECORD = "/var/db/pulumi-openbsd-postfix/record.json";
const SOCKET = "/var/spool/postfix/dev/log";

/** What `work` fails with, and the state that the error carries. */
async function failing(work: Promise<unknown>): Promise<{ message: string; props: Made["props"] }> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { message, properties } = error as Error & { properties: Made["props"] };
  return { message, props: properties };
}

const syslogd = (host: TestHost): Promise<string> =>
  sh(host, "ps -axww -o pid,command | grep '[ /]syslogd\\( \\|$\\)' | grep -v priv; true");

describe("OpenBSD 5.0", () => {
  let host: TestHost;
  beforeAll(async () => {
    forgetPlans();
    host = await startHost({ release: "5.0" });
    await create(
      "PostfixPackage",
      inputsOf("PostfixPackage", packageOf("5.0"), connectionTo(host)),
    );
    await create("MainCf", inputsOf("MainCf", { parameters: PARAMETERS }, connectionTo(host)));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    forgetPlans();
    said();
  });
  const news = (kind: string, args: Record<string, unknown> = {}): Record<string, unknown> =>
    inputsOf(kind, args, connectionTo(host));

  test("mail in both of sendmail's queues is named before it is stopped, also where nobody saw a preview", async () => {
    await sh(
      host,
      `for queue in -Am -Ac; do
         printf 'Subject: kept\\n\\nbody\\n' | /usr/libexec/sendmail/sendmail $queue -odq -f root someone@elsewhere.example
       done`,
    );
    const made = await create("BaseMailer", news("BaseMailer"));
    expect(said()).toMatch(
      /BaseMailer warning: .*sendmail has 1 message\(s\) in its queue and 1 message\(s\) in its client queue/,
    );
    expect(made.props["queuedMessages"]).toBe(2);
    await remove(made);
    await sh(host, "rm -f /var/spool/mqueue/* /var/spool/clientmqueue/*");
  });

  test("a syslogd that cannot be restarted is owed it: the next run restarts it, and destroy does as well", async () => {
    const script = "/etc/rc.d/syslogd";
    const broken = `mv ${script} /tmp/syslogd && printf '#!/bin/sh\\necho broken; exit 1\\n' > ${script} && chmod 555 ${script}`;
    const mended = `mv -f /tmp/syslogd ${script}`;
    const before = await syslogd(host);
    expect(before).not.toContain(SOCKET);

    await sh(host, broken);
    const failed = await failing(create("RcConfLocal", news("RcConfLocal")));
    await sh(host, mended);
    expect(failed.message).toMatch(/restart syslogd.*broken/s);
    // Who serves is what matters most in the middle of the switch.
    expect(failed.message).toContain("Right now sendmail is running.");
    expect(await sh(host, "cat /etc/rc.conf.local")).toContain(SOCKET);
    expect(await syslogd(host)).toBe(before);
    expect(await sh(host, `cat ${RECORD}`)).toContain('"syslogd": "restart"');

    const made: Made = {
      kind: "RcConfLocal",
      id: "RcConfLocal/etc/rc.conf.local",
      news: news("RcConfLocal"),
      props: failed.props,
      inputs: appliedOf("RcConfLocal", failed.props),
    };
    await refresh(made);
    expect(made.inputs["logSocket"]).toMatch(/not restarted since its flags changed/);
    expect(await differs(made)).toBe(true);
    await update(made);
    expect(await syslogd(host)).toContain(`-a ${SOCKET}`);
    const record = await sh(host, `cat ${RECORD}`);
    expect(record).not.toContain('"syslogd"');
    // What Postfix's chrooted processes hold is the socket of the syslogd before.
    expect(record).toMatch(
      /"need": "reload",\s*"because": \[[^\]]*"\/var\/spool\/postfix\/dev\/log"/,
    );
    await refresh(made);
    expect(await differs(made)).toBe(false);

    await sh(host, broken);
    expect((await failing(remove(made))).message).toMatch(/restart syslogd.*Right now sendmail/s);
    await sh(host, mended);
    expect(await syslogd(host)).toContain(SOCKET);
    await remove(made);
    expect(await syslogd(host)).not.toContain(SOCKET);
  });

  test("a syslogd that was started anew without the socket is drift; repaired, Postfix's chroot logs again", async () => {
    const mailer = await create("BaseMailer", news("BaseMailer"));
    const conf = await create("RcConfLocal", news("RcConfLocal"));
    const service = await create("PostfixService", news("PostfixService"));
    await sh(host, "pkill -f '^/usr/sbin/syslogd'; sleep 1; rm -f /dev/log; /usr/sbin/syslogd");
    // The socket of the former one is still there.
    await sh(host, `test -S ${SOCKET}`);
    await refresh(conf);
    expect(await differs(conf)).toBe(true);
    await update(conf);
    await refresh(service);
    expect(service.inputs["pending"]).toMatch(/reload for .*dev\/log/);
    await update(service);
    const log = await sh(host, "wc -l < /var/log/maillog");
    await sh(
      host,
      `printf 'Subject: x\\n\\nx\\n' | /usr/local/sbin/sendmail -f root alice@localhost
       i=0; until tail -n +${Number(log)} /var/log/maillog | grep -q 'qmgr.*removed' || [ $i -gt 50 ]; do sleep 0.2; i=$((i+1)); done
       tail -n +${Number(log)} /var/log/maillog | grep -q 'qmgr.*removed'`,
    );
    for (const one of [service, conf, mailer]) {
      await refresh(one);
      expect(await differs(one)).toBe(false);
    }
    for (const one of [service, conf, mailer]) await remove(one);
  });

  test("an admin's `crontab -l | crontab -` in between is no drift, and its header lines do not pile up by us", async () => {
    const headers = (): Promise<string> =>
      sh(host, "grep -c 'DO NOT EDIT THIS FILE' /var/cron/tabs/root; true");
    const before = Number(await headers());
    const made = await create("RootCrontab", news("RootCrontab"));
    expect(Number(await headers())).toBe(before);
    await sh(host, "crontab -l | crontab -");
    const after = Number(await headers());
    for (let round = 0; round < 2; round += 1) {
      await refresh(made);
      expect(await differs(made)).toBe(false);
      await sh(host, "sed -i '/sm-msp-queue/s/^#*//' /var/cron/tabs/root");
      await refresh(made);
      expect(await differs(made)).toBe(true);
      await update(made);
      expect(Number(await headers())).toBe(after);
    }
    await sh(host, "crontab -r");
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await update(made);
    await sh(host, "test ! -e /var/cron/tabs/root");
    await remove(made);
    expect(await sh(host, "crontab -l")).toMatch(/^\*\/30\s.*sm-msp-queue/m);
    expect(Number(await headers())).toBe(before);
  });

  test("a package without a script in rc.d is named, and Postfix is started without it", async () => {
    await sh(host, "mv /etc/rc.d/postfix /tmp/rcd-postfix");
    expect(await failures("RcConfLocal", news("RcConfLocal"))).toMatch(
      /^boot: \/etc\/rc\.d\/postfix is not there/,
    );
    const mailer = await create("BaseMailer", news("BaseMailer"));
    const service = await create("PostfixService", news("PostfixService"));
    expect(service.props["banner"]).toMatch(/^220 /);
    await remove(service);
    await remove(mailer);
    await sh(host, "mv /tmp/rcd-postfix /etc/rc.d/postfix");
  });
});

describe("OpenBSD 7.8", () => {
  let host: TestHost;
  let mailer: Made;
  beforeAll(async () => {
    forgetPlans();
    host = await startHost();
    await create("PostfixPackage", inputsOf("PostfixPackage", {}, connectionTo(host)));
    await create("MainCf", inputsOf("MainCf", { parameters: PARAMETERS }, connectionTo(host)));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    forgetPlans();
    said();
  });
  const news = (kind: string, args: Record<string, unknown> = {}): Record<string, unknown> =>
    inputsOf(kind, args, connectionTo(host));

  test("mail in smtpd's queue is named before smtpd is stopped, and handed to Postfix with its envelope", async () => {
    await sh(
      host,
      `smtpctl pause mta; printf 'Subject: kept\\n\\nbody\\n' | /usr/sbin/sendmail -f root someone@elsewhere.example
       i=0; until smtpctl show queue | grep -q elsewhere || [ $i -gt 50 ]; do sleep 0.1; i=$((i+1)); done`,
    );
    mailer = await create("BaseMailer", news("BaseMailer"));
    expect(said()).toMatch(/BaseMailer warning: .*smtpd has 1 message\(s\) in its queue/);
  });

  test("an adopted Postfix has its banner, and a port that does not answer is no drift and no long wait", async () => {
    await sh(host, "/usr/local/sbin/postfix start");
    await sh(host, "until /usr/local/libexec/postfix/master -t; [ $? = 1 ]; do sleep 0.1; done");
    const made = await create("PostfixService", news("PostfixService"));
    expect(made.props["banner"]).toBe("220 myhost.example.org ESMTP Postfix");
    const queued = await sh(host, "/usr/local/sbin/postqueue -p");
    expect(queued).toMatch(/ root@\S+\n(.*\n)?\s+someone@elsewhere\.example\n/);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    expect(await sh(host, "/usr/local/sbin/postqueue -p")).toBe(queued);

    // Connections are taken by the system, and nobody says anything.
    await sh(host, "pkill -STOP -f 'libexec/postfix/[m]aster'; pkill -x smtpd; true");
    const began = Date.now();
    await refresh(made);
    expect(Date.now() - began).toBeLessThan(8000);
    expect(made.props["banner"]).toBe("220 myhost.example.org ESMTP Postfix");
    expect(await differs(made)).toBe(false);
    await sh(host, "pkill -CONT -f 'libexec/postfix/[m]aster'");
    await remove(made);
    // The steps below are undone, which mail that nobody can deliver would stop.
    await sh(host, "/usr/local/sbin/postsuper -d ALL; /usr/local/sbin/postfix stop");
  });

  test.each<[string, string, RegExp | undefined]>([
    ["IPv6 alone", "postconf -e inet_protocols=ipv6", /^220 /],
    [
      "no service that takes mail by SMTP",
      "sed -i '/^smtp *inet/s/^/#/' /etc/postfix/master.cf",
      undefined,
    ],
    [
      "submission alone, and IPv4 of loopback alone",
      "sed -i '/^#smtp *inet/s/.*/submission inet n - y - - smtpd/' /etc/postfix/master.cf; postconf -e inet_interfaces=127.0.0.1 inet_protocols=ipv4",
      /^220 /,
    ],
  ])("Postfix that listens by %s is proven to serve", async (_what, script, banner) => {
    await sh(host, `PATH=$PATH:/usr/local/sbin; ${script}`);
    const began = Date.now();
    const made = await create("PostfixService", news("PostfixService"));
    expect(Date.now() - began).toBeLessThan(20_000);
    if (banner === undefined) expect(made.props["banner"]).toBeUndefined();
    else expect(made.props["banner"]).toMatch(banner);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await remove(made);
  });

  test("another stack's package is used as it is, refused where it would have to change, and stays while it is used", async () => {
    const own = await startHost();
    try {
      const of = (stack: string, args: Record<string, unknown> = {}): Record<string, unknown> =>
        inputsOf("PostfixPackage", args, connectionTo(own), { stack });
      const installed = (): Promise<string> => sh(own, "ls /var/db/pkg | grep ^postfix-; true");
      const first = await create("PostfixPackage", of("first"));
      forgetPlans();
      const tree = await own.snapshot();
      const second = await create("PostfixPackage", of("second"));
      expect(second.props["name"]).toBe(first.props["name"]);
      expect(diffTrees(tree, await own.snapshot())).toEqual([
        expect.stringContaining("record.json: contents"),
      ]);
      for (const one of [first, second]) {
        await refresh(one);
        expect(await differs(one)).toBe(false);
      }
      expect(await failures("PostfixPackage", of("third", { flavors: ["mysql"] }))).toMatch(
        /package:postfix on this host belongs to urn:pulumi:first::/,
      );
      // Whoever goes first, the package stays with the other.
      await remove(second);
      expect(await installed()).not.toBe("");
      forgetPlans();
      const again = await create("PostfixPackage", of("second"));
      said();
      await remove(first);
      expect(said()).toMatch(/postfix-\S+ stays: urn:pulumi:second::\S+ uses it too/);
      expect(await installed()).not.toBe("");
      await refresh(again);
      expect(await differs(again)).toBe(false);
      await remove(again);
      expect(await installed()).not.toBe("");
    } finally {
      await own.stop();
    }
  });

  test("a base mailer that cannot be started says why", async () => {
    // The steps above have passed mail back already.
    await sh(host, "rcctl stop smtpd; echo smtpd_flags=NO >> /etc/rc.conf.local");
    expect((await failing(remove(mailer))).message).toMatch(
      /start smtpd.*need -f to force start.*Right now no mailer is running/s,
    );
    await sh(host, "sed -i '/^smtpd_flags=NO/d' /etc/rc.conf.local");
    await remove(mailer);
  });
});
