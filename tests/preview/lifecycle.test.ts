/** The main job through the real CLI, on a host of each release family: there, again, drift, and back. */
import { diffTrees, type Release, startHost, type TestHost, type Tree } from "../../testing";
import { bannerOf, FAMILIES, isBefore, program, RELEASES, serverArgs, sh } from "./server";
import { changeOf, type Outcome, printedUnder, Project } from "./stack";

/** What stands in the preview under each step. */
const SHOWN: Record<string, (release: Release) => readonly (string | RegExp)[]> = {
  "mx-package": () => [/install postfix-\d/],
  "mx-main-cf": () => ["+myhostname = myhost.example.org", "+parent_domain_matches_subdomains ="],
  "mx-aliases": () => ["+webmaster: root", "rebuild /etc/postfix/aliases.db"],
  "mx-base-mailer": (release) => [isBefore(release, "5.6") ? "stop sendmail" : "stop smtpd"],
  "mx-mailer-conf": () => ["--- /etc/mailer.conf", "+sendmail\t/usr/local/sbin/sendmail"],
  "mx-rc-conf-local": (release) => [
    "+++ /etc/rc.conf.local",
    ...(isBefore(release, "5.6")
      ? ["-a /var/spool/postfix/dev/log", "restart syslogd"]
      : ["+smtpd_flags=NO"]),
    ...(isBefore(release, "5.0") ? ['+sendmail_flags="-bd"'] : ["+pkg_scripts="]),
  ],
  "mx-service": () => ["check the configuration and start Postfix"],
  "mx-root-crontab": (release) =>
    isBefore(release, "5.6")
      ? [/^replace \/var\/cron\/tabs\/root .*: sets sm-msp-queue$/m]
      : ["nothing to change"],
  "mx-mail-check": () => ["send a test message to alice"],
};

/** Ways to break what is managed, by the step that must notice it and the releases that have it. */
const BROKEN: readonly {
  readonly step: string;
  readonly script: string;
  readonly diff: string;
  readonly only?: (release: Release) => boolean;
}[] = [
  {
    step: "mx-main-cf",
    script: "sed -i 's/^myhostname = .*/myhostname = drifted.example.org/' /etc/postfix/main.cf",
    diff: "parameters.myhostname",
  },
  {
    step: "mx-aliases",
    script: "sed -i 's/^webmaster:.*/webmaster: bob/' /etc/postfix/aliases",
    diff: "entries.webmaster[0]",
  },
  {
    step: "mx-chroot-resolv",
    script: "echo 'nameserver 192.0.2.99' >> /etc/resolv.conf",
    diff: "copies.resolv.conf",
  },
  {
    step: "mx-mailer-conf",
    script: "cp /etc/mailer.conf.pre-postfix /etc/mailer.conf",
    diff: "mailer",
  },
  {
    step: "mx-rc-conf-local",
    script: "sed -i '/pkg_scripts/d' /etc/rc.conf.local",
    diff: "packageScripts[0]",
    only: (release) => !isBefore(release, "5.0"),
  },
  {
    step: "mx-rc-conf-local",
    script: "sed -i '/sendmail_flags/d' /etc/rc.conf.local",
    diff: "variables.sendmail_flags",
    only: (release) => isBefore(release, "5.6"),
  },
  {
    step: "mx-root-crontab",
    script: "sed -i '/sm-msp-queue/s/^#//' /var/cron/tabs/root",
    diff: "commentOut[0]",
    only: (release) => isBefore(release, "5.6"),
  },
  { step: "mx-service", script: "/usr/local/sbin/postfix stop; true", diff: "running" },
];

/** Things that are deleted altogether. */
const DELETED: readonly { readonly step: string; readonly script: string }[] = [
  { step: "mx-main-cf", script: "rm /etc/postfix/main.cf" },
  { step: "mx-aliases", script: "rm /etc/postfix/aliases /etc/postfix/aliases.db" },
  { step: "mx-chroot-resolv", script: "rm /var/spool/postfix/etc/resolv.conf" },
  { step: "mx-mailer-conf", script: "rm /etc/mailer.conf" },
  { step: "mx-rc-conf-local", script: "rm /etc/rc.conf.local" },
];

function operations({ summary }: Outcome): Record<string, number | undefined> {
  const { same: _same, ...others } = summary;
  return others;
}

describe.each(FAMILIES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let project: Project;
  let bare: Tree;
  let bareBanner: string;

  beforeAll(async () => {
    host = await startHost({ release });
    project = await Project.create({
      program: program({ mx: serverArgs(host) }),
      providerProcess: "bundled",
    });
    bare = await host.snapshot();
    bareBanner = await bannerOf(host);
  });
  afterAll(async () => {
    project.remove();
    await host.stop();
  });

  test("a preview leaves the host's tree as it was, and shows what will change under each component", async () => {
    const outcome = await project.preview();
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
    for (const [step, texts] of Object.entries(SHOWN))
      for (const text of texts(release)) {
        const printed = printedUnder(outcome, step);
        if (typeof text === "string") expect(printed).toContain(text);
        else expect(printed).toMatch(text);
      }
  });

  test("up gives a Postfix that answers on port 25 and delivers to a local mailbox", async () => {
    await project.up();
    const { mx } = await project.outputs();
    const { banner, transcript, queueId, mailbox, deliveredTo } = mx?.value as {
      banner: string;
      transcript: string[];
      queueId: string;
      mailbox: string;
      deliveredTo: string;
    };
    expect(banner).toBe("220 myhost.example.org ESMTP Postfix");
    expect(await bannerOf(host)).toBe(banner);
    expect(transcript.join("\n")).toContain(`queued as ${queueId}`);
    expect(mailbox).toBe("/var/mail/alice");
    expect(deliveredTo).toMatch(/^alice@/);
  });

  test("the state of a server takes less than 48 KB, without what the SDK notes of the program's calls", async () => {
    const state: unknown = (await project.stack.exportStack()).deployment;
    const text = JSON.stringify(state, (key, value: unknown) =>
      key === "stackTrace" || key === "sourcePosition" ? undefined : value,
    );
    expect(text.length).toBeLessThan(48_000);
  });

  test("a second up changes nothing and writes nothing on the host", async () => {
    const before = await host.snapshot();
    const outcome = await project.up({ refresh: true, expectNoChanges: true });
    expect(operations(outcome)).toEqual({});
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("each thing that was changed behind Pulumi's back is reported by a refresh and repaired by up", async () => {
    const broken = BROKEN.filter(({ only }) => only?.(release) ?? true);
    for (const { script } of broken) await sh(host, script);
    const preview = await project.preview({ refresh: true });
    for (const { step, diff } of broken) expect(changeOf(preview, step)?.diffs).toContain(diff);
    await project.up({ refresh: true });
    await project.expectNoChanges();
    expect(await bannerOf(host)).toBe("220 myhost.example.org ESMTP Postfix");
  });

  // What does not depend on how a release starts its services is tried on the two ends of the range.
  const onTheEnds = RELEASES.includes(release) ? test : undefined;

  onTheEnds?.("a drifted main.cf that is repaired makes the running Postfix use it", async () => {
    await sh(
      host,
      "sed -i 's/^myhostname = .*/myhostname = drifted.example.org/' /etc/postfix/main.cf && sleep 2 && /usr/local/sbin/postfix reload && sleep 1",
    );
    expect(await bannerOf(host)).toBe("220 drifted.example.org ESMTP Postfix");
    const pid = await sh(host, "cat /var/spool/postfix/pid/master.pid");
    await project.up({ refresh: true });
    expect(await bannerOf(host)).toBe("220 myhost.example.org ESMTP Postfix");
    // By a reload: the same master serves on.
    expect(await sh(host, "cat /var/spool/postfix/pid/master.pid")).toBe(pid);
    await project.expectNoChanges();
  });

  onTheEnds?.("what was deleted is drift like any other: shown, and repaired", async () => {
    for (const { script } of DELETED) await sh(host, script);
    const preview = await project.preview({ refresh: true });
    for (const { step } of DELETED) expect(changeOf(preview, step)?.op).toBe("update");
    await project.up({ refresh: true });
    await project.expectNoChanges();
    expect(await bannerOf(host)).toBe("220 myhost.example.org ESMTP Postfix");
  });

  test("destroy puts back every file, its mode and owner, and the base mailer serves again", async () => {
    // The test broke it itself, and it is no part of what is managed.
    await sh(host, "sed -i '/192.0.2.99/d' /etc/resolv.conf");
    await project.destroy({ refresh: true });
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
    expect(await bannerOf(host)).toMatch(bareBanner.slice(0, 20));
  });
});
