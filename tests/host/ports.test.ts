/** Building from ports: what it needs, how it goes on after cuts, and what it leaves; on real agents and hosts. */
import { startHost, type Release, type TestHost } from "../../testing";
import { packageOf, sh } from "../preview/server";
import { create, differs, failures, type Made, refresh, remove, said } from "./provider";
import { attempt, changed, eventually, news, preview } from "./packages";

const RELEASES: readonly Release[] = ["7.8", "4.7"];
const LOCK = "/var/db/pulumi-openbsd-postfix/lock";
const LOG = "/var/db/pulumi-openbsd-postfix/jobs/postfix-build/log";
const PID = "/var/db/pulumi-openbsd-postfix/jobs/postfix-build/pid";

const sets = (host: TestHost, ...names: string[]): Promise<string> =>
  sh(host, `/usr/libexec/testhost/sets ${names.join(" ")}`);
const buildTakes = (host: TestHost, seconds: number): Promise<string> =>
  sh(host, `echo TESTHOST_BUILD_SECONDS=${seconds} > /etc/mk.conf`);

/** Waits until a build runs and somebody waits for it in a write section; the build's process id. */
async function building(host: TestHost): Promise<string> {
  await eventually(host, `grep -q '^cc ' ${LOG} && test -s ${LOCK}`);
  // The lock comes first, and the waiting after a look at what is there.
  await new Promise((resolve) => setTimeout(resolve, 500));
  return sh(host, `cat ${PID}`);
}

/** Cuts the line, and waits until the host has noticed. */
async function cut(host: TestHost): Promise<void> {
  await host.line.cut();
  await eventually(host, `! test -s ${LOCK}`);
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  beforeEach(async () => {
    host = await startHost({ release });
  });
  afterEach(() => host.stop());

  const ports = (more: Record<string, unknown> = {}): Record<string, unknown> =>
    news(host, { source: "ports", flavors: ["mysql", "sasl2"], ...more });

  test("without a ports tree the preview fails, and says where to get one of this release", async () => {
    const text = await failures("PostfixPackage", ports());
    expect(text).toMatch(/^source: there is no ports tree in \/usr\/ports/);
    expect(text).toContain(`pub/OpenBSD/${release}/ports.tar.gz`);
    expect(text).toContain(`-rOPENBSD_${release.replace(".", "_")} ports`);
  });

  test("without a compiler it names the set", async () => {
    await sets(host, "ports");
    expect(await failures("PostfixPackage", ports())).toMatch(
      new RegExp(`^source: there is no compiler.*comp${release.replace(".", "")}\\.tgz`),
    );
  });

  test("an unknown flavor fails the preview with those that make names", async () => {
    await sets(host, "ports", "comp");
    expect(await failures("PostfixPackage", ports({ flavors: ["mysql", "lmdb"] }))).toBe(
      'flavors[1]: the port has no flavor "lmdb"; `make show=FLAVORS` names sasl2, ldap, mysql, pgsql, db4.',
    );
    expect(await failures("PostfixPackage", ports({ branch: "stable99" }))).toMatch(
      /^branch: the ports tree has no \S+\/stable99; it has .*stable/,
    );
    expect(await failures("PostfixPackage", ports({ version: "1.2.3" }))).toMatch(
      /^version: the ports tree builds postfix-\d/,
    );
  });

  test("a build cut off three times is one build and one installed package, and leaves nothing on destroy", async () => {
    await buildTakes(host, 8);
    await sets(host, "ports", "comp");
    const before = await host.snapshot();
    const wanted = ports({ flavors: ["mysql", "dovecot", "sasl2"] });
    let made: Made | undefined;
    const pids = new Set<string>();
    const messages: string[] = [];
    for (let time = 0; time < 3; time += 1) {
      const running = attempt(wanted, made);
      pids.add(await building(host));
      await cut(host);
      const { error, made: after } = await running;
      expect(error).toBeDefined();
      messages.push(error ?? "");
      made = after;
    }
    expect(messages[0]).toMatch(/The job continues on the host.*next `pulumi up` waits for it/);
    expect([...pids]).toHaveLength(1);
    const done = await attempt(wanted, made);
    expect(done.error).toBeUndefined();
    const one = done.made as Made;
    expect(await sh(host, "ls /var/db/pkg | grep -c ^postfix-")).toBe("1\n");
    expect(one.props["name"]).toMatch(/^postfix-\d[^-]*-sasl2-mysql$/);
    expect(await sh(host, "ls /usr/ports/packages/*/all/postfix-*.tgz | wc -l")).toMatch(/^\s*1\n/);
    await refresh(one);
    expect(await differs(one)).toBe(false);
    await remove(one);
    expect(await changed(host, before)).toEqual([]);
  });

  test("a failed build shows the end of its log and where the log is; mended, the next run goes on", async () => {
    await sets(host, "ports", "comp");
    await buildTakes(host, 0);
    const before = await host.snapshot();
    await sh(host, "echo TESTHOST_BUILD_FAILS=yes >> /etc/mk.conf");
    const failed = await attempt(ports());
    expect(failed.error).toMatch(/building postfix-\S+-sasl2-mysql from ports failed/);
    expect(failed.error).toContain("part7.c:31: error");
    expect(failed.error).toContain(LOG);
    expect(await sh(host, `grep -c part7.c:31 ${LOG}`)).toBe("1\n");
    await buildTakes(host, 0);
    const mended = await attempt(ports(), failed.made);
    expect(mended.error).toBeUndefined();
    await remove(mended.made as Made);
    expect(await changed(host, before)).toEqual([]);
  });

  test("a build that died with the host is started anew, and goes on where it was", async () => {
    await sets(host, "ports", "comp");
    await buildTakes(host, 8);
    const before = await host.snapshot();
    const running = attempt(ports());
    await building(host);
    await host.reboot();
    const { error, made } = await running;
    expect(error).toBeDefined();
    await buildTakes(host, 0);
    const again = await attempt(ports(), made);
    expect(again.error).toBeUndefined();
    await remove(again.made as Made);
    await buildTakes(host, 8);
    expect(await changed(host, before)).toEqual([]);
  });

  test("what an admin puts among the results after a build has ended is the admin's, and stays", async () => {
    await buildTakes(host, 2);
    await sets(host, "ports", "comp");
    const first = attempt(ports());
    await building(host);
    await cut(host);
    const lost = await first;
    await eventually(host, `test -e ${PID.replace(/pid$/, "status")}`);
    await sh(host, "sleep 1; mkdir -p /usr/ports/distfiles; echo mine > /usr/ports/distfiles/mine");
    const { made, error } = await attempt(ports(), lost.made);
    expect(error).toBeUndefined();
    await remove(made as Made);
    expect(await sh(host, "cat /usr/ports/distfiles/mine")).toBe("mine\n");
    expect(await sh(host, "ls /usr/ports/packages 2>/dev/null; true")).toBe("");
  });

  test("destroy while a build runs ends it, and gives the tree back", async () => {
    await sets(host, "ports", "comp");
    await buildTakes(host, 20);
    const before = await host.snapshot();
    const running = attempt(ports());
    await building(host);
    await cut(host);
    const { made } = await running;
    await remove(made as Made);
    expect(await sh(host, "pgrep -f '[m]ake package'; true")).toBe("");
    expect(await changed(host, before)).toEqual([]);
  });

  test("after an upgrade of the host it is built again, and not taken from what was built before", async () => {
    await sets(host, "ports", "comp");
    await buildTakes(host, 0);
    const before = await host.snapshot();
    const { made } = await attempt(ports());
    const file = "/usr/ports/packages/*/all/postfix-*.tgz";
    await sh(host, `for f in ${file}; do echo old >> $f; done`);
    await sh(
      host,
      `sed -i -e '1s/.*/{/' -e 's/"release": "${release}"/"release": "4.6"/' /var/db/pulumi-openbsd-postfix/record.json`,
    );
    const one = made as Made;
    await refresh(one);
    expect(await preview(ports(), one)).toMatch(
      new RegExp(`build from ports and replace .*, because the host is now OpenBSD ${release}`),
    );
    const again = await attempt(ports(), one);
    expect(again.error).toBeUndefined();
    expect(await sh(host, `tail -c 4 ${file}`)).not.toContain("old");
    expect(again.made?.props["forRelease"]).toBe(release);
    await remove(again.made as Made);
    expect(await changed(host, before)).toEqual([]);
  });

  test("from ports to packages the tree is cleaned, and from packages to ports it is built", async () => {
    await sets(host, "ports", "comp");
    await buildTakes(host, 0);
    const before = await host.snapshot();
    const binary = { flavors: ["mysql"], ...packageOf(release) };
    const made = await create("PostfixPackage", news(host, binary));
    const built = await attempt(ports({ flavors: ["mysql"] }), made);
    expect(built.error).toBeUndefined();
    expect(await sh(host, "grep -h '^@url' /var/db/pkg/postfix-*/+CONTENTS")).toContain(
      "/usr/ports/packages/",
    );
    said();
    const back = await attempt(news(host, binary), built.made);
    expect(back.error).toBeUndefined();
    expect(await sh(host, "grep -h '^@url' /var/db/pkg/postfix-*/+CONTENTS")).toContain("/mirror/");
    expect(await sh(host, "find /usr/ports -name '*postfix-*'")).toBe("");
    await remove(back.made as Made);
    expect(await changed(host, before)).toEqual([]);
  });
});

test("on 5.7, which does not read TRUSTED_PKG_PATH, what was built is installed, and destroy leaves nothing", async () => {
  const host = await startHost({ release: "5.7" });
  try {
    await sets(host, "ports", "comp");
    await buildTakes(host, 0);
    const before = await host.snapshot();
    const wanted = news(host, { source: "ports", flavors: ["mysql", "sasl2"] });
    const { error, made } = await attempt(wanted);
    expect(error).toBeUndefined();
    expect(made?.props["name"]).toBe("postfix-2.11.4-sasl2-mysql");
    await remove(made as Made);
    expect(await changed(host, before)).toEqual([]);
  } finally {
    await host.stop();
  }
});
