/** A pkg_add that was ended half-way: one `pulumi up` goes on from there, and destroy leaves nothing. */
import { startHost, type Release, type TestHost } from "../../testing";
import { sh } from "../preview/server";
import { create, differs, type Made, refresh, remove, said } from "./provider";
import { attempt, changed, eventually, fromMirror, KIND, preview } from "./packages";

const RELEASES: readonly Release[] = ["4.7", "5.7", "7.8"];
const POINTS = Array.from({ length: 10 }, (_, index) => index * 300);
const PKG_ADD = "'[/]usr/sbin/pkg_add'";

/** What the hook of a new installation makes. */
const MADE =
  "/etc/mailer.conf.postfix /etc/postfix/main.cf /etc/postfix/master.cf /var/postfix /var/spool/postfix";

/** Asks a host whether a part of the package is unpacked, which the other part then takes a second for. */
const UNPACKING = "ls /usr/local/libexec/postfix/* >/dev/null 2>&1";

/** Starts a run, and ends its pkg_add by a signal some time after it has begun and the host answers yes. */
async function cutRun(
  host: TestHost,
  signal: "TERM" | "KILL",
  { afterMs = 0, once = "true" }: { readonly afterMs?: number; readonly once?: string },
): ReturnType<typeof attempt> {
  const running = attempt(fromMirror(host));
  await eventually(host, `pgrep -f ${PKG_ADD} && ${once}`);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await sh(host, `pkill -${signal} -f ${PKG_ADD}; true`);
  return running;
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost({ release, facts: { pkg_add_seconds: "1.5" } });
  });
  afterAll(() => host.stop());

  test.each(["TERM", "KILL"] as const)(
    "ended by SIG%s at ten points, one run goes on, and destroy leaves nothing",
    async (signal) => {
      const before = await host.snapshot();
      for (const afterMs of POINTS) {
        const cut = await cutRun(host, signal, { afterMs });
        const { error, made } = await attempt(fromMirror(host), cut.made);
        expect([afterMs, error]).toEqual([afterMs, undefined]);
        expect(await sh(host, `ls -d ${MADE}; ls /var/db/pkg | grep -c postfix`)).toBe(
          `${MADE.replace(/ /g, "\n")}\n1\n`,
        );
        const one = made as Made;
        await refresh(one);
        expect(await differs(one)).toBe(false);
        await remove(one);
        expect([afterMs, await changed(host, before)]).toEqual([afterMs, []]);
      }
    },
  );

  test("destroyed right after pkg_add was killed, nothing is left either", async () => {
    const before = await host.snapshot();
    const cut = await cutRun(host, "KILL", { once: UNPACKING });
    expect(cut.error).toMatch(
      /ended by SIGKILL, no Postfix is installed[\s\S]*Run `pulumi up` again/,
    );
    expect(await sh(host, `ls /var/db/pkg | grep postfix; ${UNPACKING} && echo some`)).toBe(
      "some\n",
    );
    await remove(cut.made as Made);
    expect(await changed(host, before)).toEqual([]);
  });

  test("an admin's pkg_add after the cut makes no queue; the next run installs the package anew", async () => {
    const before = await host.snapshot();
    const cut = await cutRun(host, "TERM", { once: UNPACKING });
    expect(cut.error).toMatch(
      /partial-postfix-\S+ is installed in part[\s\S]*Run `pulumi up` again/,
    );
    expect(await preview(fromMirror(host))).toMatch(
      /warning: partial-postfix-\S+: an installation was interrupted/,
    );
    await sh(
      host,
      `export PKG_PATH=/mirror/pub/OpenBSD/${release}/packages/$(arch -s)/
       pkg_add -x $(ls /var/db/pkg | sed -n 's/^partial-//p') >/dev/null; test ! -e /var/spool/postfix`,
    );
    const { error, made } = await attempt(fromMirror(host), cut.made);
    expect(error).toBeUndefined();
    expect(await sh(host, `ls -d ${MADE}`)).toBe(`${MADE.replace(/ /g, "\n")}\n`);
    await remove(made as Made);
    expect(await changed(host, before)).toEqual([]);
  });

  test("files that nobody has noted are not installed over: the error names them, and what to do", async () => {
    await sh(host, "mkdir -p /usr/local/sbin; echo mine > /usr/local/sbin/postfix");
    const { error, made } = await attempt(fromMirror(host));
    expect(error).toMatch(
      /Collision in postfix-\S+[\s\S]*\/usr\/local\/sbin\/postfix from[\s\S]*move them away/,
    );
    expect(await sh(host, "cat /usr/local/sbin/postfix; rm /usr/local/sbin/postfix")).toBe(
      "mine\n",
    );
    const again = await attempt(fromMirror(host), made);
    expect(again.error).toBeUndefined();
    await remove(again.made as Made);
  });
});

describe("OpenBSD 7.8", () => {
  let host: TestHost;
  beforeEach(async () => {
    host = await startHost({ release: "7.8" });
  });
  afterEach(() => host.stop());

  test("quirks, which pkg_add installs for itself, is said once and stays", async () => {
    await sh(host, "pkg_delete quirks");
    const before = await host.snapshot();
    said();
    const made = await create(KIND, fromMirror(host));
    expect(said().match(/pkg_add has installed quirks-7\.147 too/g)).toHaveLength(1);
    await remove(made);
    expect(said()).not.toContain("quirks");
    expect((await changed(host, before)).map((path) => path.replace(/^.*(?=\/var)/, ""))).toEqual(
      expect.arrayContaining([expect.stringContaining("/var/db/pkg/quirks-7.147")]),
    );
    expect((await changed(host, before)).filter((path) => !path.includes("/var/db/pkg"))).toEqual(
      [],
    );
  });

  test("without its queue folder Postfix does not run, and destroy does not wait for it", async () => {
    const before = await host.snapshot();
    const made = await create(KIND, fromMirror(host));
    await sh(host, "rm -rf /var/spool/postfix");
    const began = Date.now();
    await remove(made);
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(await changed(host, before)).toEqual([]);
  });
});
