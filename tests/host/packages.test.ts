/** The package on real hosts: replaced around a stopped Postfix, cut at the worst moments, adopted, and undone. */
import { startHost, type Release, type TestHost } from "../../testing";
import { bannerOf, packageOf, RELEASES, sh } from "../preview/server";
import { create, differs, failures, type Made, refresh, remove, update } from "./provider";
import { attempt, changed, eventually, fromMirror, KIND, news, preview } from "./packages";

const LOCK = "/var/db/pulumi-openbsd-postfix/lock";

/** Holds the lock of the package database until the file goes away. */
const HOLD = `perl -MFcntl=:flock -e '
  open my $db, "<", "/var/db/pkg" or die; flock $db, LOCK_EX or die;
  open my $held, ">", "/tmp/held"; close $held;
  select undef, undef, undef, 0.1 while -e "/tmp/held";' >/dev/null 2>&1 &`;

/** Postfix in the place of the base mailer, with a message that waits in its queue. */
const SERVE = `
case $(uname -r) in
4.*) pkill -f '^sendmail: accepting' ;;
*) rcctl stop smtpd ;;
esac
sleep 1
postconf -e myhostname=mx.example.org 'default_transport=retry:no route' 'relay_transport=retry:no route'
echo '# mine, not in any sample' >> /etc/postfix/main.cf
grep -v '^tlsmgr' /etc/postfix/master.cf > /tmp/m && cat /tmp/m > /etc/postfix/master.cf
/usr/local/sbin/postfix start 2>/dev/null
printf 'Subject: kept\\n\\nbody\\n' | /usr/local/sbin/sendmail -f root someone@elsewhere.example
# The queue manager has put the message aside for later: until then it is on its way through maildrop and incoming.
i=0; until [ -n "$(find /var/spool/postfix/deferred -type f)" ]; do sleep 0.1; i=$((i+1)); [ $i -lt 600 ]; done
`;

const texts = (host: TestHost): Promise<string> =>
  sh(host, "cat /etc/postfix/main.cf /etc/postfix/master.cf; ls -l /etc/postfix/*.cf | cut -c1-35");
const queued = (host: TestHost): Promise<string> =>
  sh(host, "/usr/local/sbin/postqueue -p | grep -c elsewhere.example");
const installed = (host: TestHost): Promise<string> => sh(host, "ls /var/db/pkg | grep ^postfix-");

describe.each(RELEASES)("OpenBSD %s", (release: Release) => {
  let host: TestHost;
  beforeEach(async () => {
    host = await startHost({ release });
  });
  afterEach(() => host.stop());

  test("another flavor takes its place around a stopped Postfix; configuration and queue stay, and it serves again", async () => {
    const made = await create(KIND, fromMirror(host));
    await sh(host, SERVE);
    const before = await texts(host);
    const wanted = fromMirror(host, { flavors: ["mysql"] });
    expect(await preview(wanted, made)).toMatch(
      /replace postfix-\S+ by postfix-\S+-mysql.*, around a stopped Postfix/,
    );
    await update(made, wanted);
    expect(await installed(host)).toMatch(/^postfix-[^-]*-mysql\n$/);
    expect(await texts(host)).toBe(before);
    expect((await queued(host)).trim()).toBe("1");
    expect(await bannerOf(host)).toMatch(/^220 mx\.example\.org ESMTP Postfix/);
    expect(await sh(host, "ls /etc/mailer.conf.postfix")).toContain("mailer.conf.postfix");
    const again = { ...made, news: wanted };
    await refresh(again);
    expect(await differs(again, wanted)).toBe(false);
  });

  test("cut while it is replaced, the next run finds it, starts Postfix again, and it is one package", async () => {
    const made = await create(KIND, fromMirror(host));
    await sh(host, SERVE);
    const before = await texts(host);
    await sh(host, `${HOLD} i=0; until [ -e /tmp/held ]; do sleep 0.1; done`);
    const wanted = fromMirror(host, { flavors: ["ldap"] });
    const running = attempt(wanted, made);
    await eventually(host, "pgrep -f '[p]kg_add.*ldap'");
    await host.line.cut();
    const lost = await running;
    expect(lost.error).toMatch(/The job continues on the host/);
    expect(await sh(host, "pgrep -x master; true")).toBe("");
    await sh(host, "rm /tmp/held");
    await eventually(host, "ls /var/db/pkg/ | grep -q -- -ldap$ && ! pgrep -f '[p]kg_add.*ldap'");
    const one = lost.made as Made;
    await refresh(one);
    expect(await differs(one, wanted)).toBe(true);
    await update(one, wanted);
    expect(await texts(host)).toBe(before);
    expect((await queued(host)).trim()).toBe("1");
    expect(await bannerOf(host)).toMatch(/^220 mx\.example\.org/);
    await refresh(one);
    expect(await differs(one, wanted)).toBe(false);
  });

  test("cut while it is installed, and run again while pkg_add still waits, it is installed once", async () => {
    const before = await host.snapshot();
    await sh(host, `${HOLD} i=0; until [ -e /tmp/held ]; do sleep 0.1; done`);
    const first = attempt(fromMirror(host));
    await eventually(host, "pgrep -f '[p]kg_add'");
    const pid = await sh(host, "cat /var/db/pulumi-openbsd-postfix/jobs/postfix-package/pid");
    await host.line.cut();
    const lost = await first;
    expect(lost.error).toBeDefined();
    const second = attempt(fromMirror(host), lost.made);
    await eventually(host, `test -s ${LOCK}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await sh(host, "cat /var/db/pulumi-openbsd-postfix/jobs/postfix-package/pid")).toBe(pid);
    await sh(host, "rm /tmp/held");
    const done = await second;
    expect(done.error).toBeUndefined();
    await remove(done.made as Made);
    expect(await changed(host, before)).toEqual([]);
  });

  test("a locked package database is waited for as long as was said, and then an error that names who holds it", async () => {
    await sh(host, `${HOLD} i=0; until [ -e /tmp/held ]; do sleep 0.1; done`);
    const { error, made } = await attempt(fromMirror(host, { lockTimeout: 1 }));
    expect(error).toMatch(/another program has held the lock on \/var\/db\/pkg for 1 s/);
    expect(error).toContain("lockTimeout");
    expect(await sh(host, "pgrep -f '[p]kg_add'; true")).toBe("");
    await sh(host, "rm /tmp/held");
    const again = await attempt(fromMirror(host, { lockTimeout: 1 }), made);
    expect(again.error).toBeUndefined();
  });

  test("destroy refuses to lose queued mail, lists it, and leaves Postfix as it ran; told to, it gives the tree back", async () => {
    const before = await host.snapshot();
    const made = await create(KIND, fromMirror(host));
    await sh(host, SERVE);
    await expect(remove(made)).rejects.toThrow(/still mail in its queue:[\s\S]*someone@elsewhere/);
    expect(await bannerOf(host)).toMatch(/^220 /);
    // Also where the configuration is gone and postqueue(1) has nothing to say.
    await sh(host, "mv /etc/postfix/main.cf /tmp/main.cf");
    await expect(remove(made)).rejects.toThrow(/still mail in its queue:[\s\S]*deferred/);
    await sh(host, "mv /tmp/main.cf /etc/postfix/main.cf");
    await update(made, fromMirror(host, { discardQueue: true }));
    await remove(made);
    const left = (await changed(host, before)).filter((path) => !path.startsWith("/tmp"));
    expect(left).toEqual([]);
  });

  test("packages that came along go with it; what somebody asked for, and what another one needs, stays", async () => {
    const before = await host.snapshot();
    const made = await create(KIND, fromMirror(host, { flavors: ["mysql"] }));
    await update(made, fromMirror(host, { flavors: ["pgsql"] }));
    expect(await sh(host, "ls /var/db/pkg | grep -cE '^(mysql|mariadb|postgresql)-client'")).toBe(
      "2\n",
    );
    await remove(made);
    expect(await changed(host, before)).toEqual([]);
    const mirror = `PKG_PATH=/mirror/pub/OpenBSD/${release}/packages/$(arch -s)/`;
    const other = await create(KIND, fromMirror(host, { flavors: ["mysql"] }));
    await sh(
      host,
      `${mirror} pkg_add -x $(cd /mirror/pub/OpenBSD/${release}/packages/*/ && ls | sed -n 's/^\\(nano-.*\\)\\.tgz/\\1/p')`,
    );
    await remove(other);
    expect(await sh(host, "ls /var/db/pkg | grep -c ^nano-")).toBe("1\n");
    expect(await sh(host, "ls /var/db/pkg | grep -cE '^(mysql|mariadb)-client'; true")).toBe("0\n");
  });

  test("a package that an admin has installed is adopted without a write, and stays", async () => {
    await sh(
      host,
      `PKG_PATH=/mirror/pub/OpenBSD/${release}/packages/$(arch -s)/ pkg_add -x $(cd /mirror/pub/OpenBSD/${release}/packages/*/ && ls | sed -n 's/^\\(postfix-[^-]*-ldap\\)\\.tgz/\\1/p' | tail -1) >/dev/null`,
    );
    const before = await host.snapshot();
    const made = await create(KIND, fromMirror(host, { flavors: ["ldap"] }));
    expect(await changed(host, before)).toEqual([]);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await remove(made);
    expect(await changed(host, before)).toEqual([]);
  });

  test("flavors: dovecot is explained and dropped; an unknown one fails with what there is", async () => {
    const wanted = fromMirror(host, { flavors: ["dovecot", "mysql"] });
    const shown = await preview(wanted);
    expect(shown).toMatch(/warning: flavors: there is no flavor dovecot.*built into every package/);
    expect(shown).toMatch(/install postfix-[^-]*-mysql/);
    const made = await create(KIND, wanted);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    expect(await failures(KIND, fromMirror(host, { flavors: ["lmdb"] }))).toMatch(
      /^flavors\[0\]: OpenBSD \S+ has no flavor "lmdb" of Postfix; it has sasl2, ldap, /,
    );
    expect(await failures(KIND, fromMirror(host, { flavors: ["ldap", "mysql"] }))).toMatch(
      /^flavors: no package has exactly .*the repository offers postfix-.*source: "ports"/,
    );
    expect(await failures(KIND, fromMirror(host, { version: "1.0" }))).toMatch(
      /^version: there is no package of version 1\.0; the repository offers postfix-/,
    );
  });

  test("an installation that was ended half-way is named, and the next run completes it", async () => {
    const name = await sh(
      host,
      `cd /mirror/pub/OpenBSD/${release}/packages/*/ && ls | sed -n 's/^\\(postfix-[^-]*\\)\\.tgz/\\1/p' | grep -v 2009 | tail -1`,
    );
    await sh(host, `mkdir /var/db/pkg/partial-${name.trim()}`);
    expect(await preview(fromMirror(host))).toMatch(
      /warning: partial-postfix-\S+: an installation was interrupted/,
    );
    const made = await create(KIND, fromMirror(host));
    expect(made.props["installed"]).toBe(true);
  });

  test("after an upgrade of the host, a package of ours that is not pinned is brought along", async () => {
    const pinned = String((await create(KIND, fromMirror(host))).props["name"]);
    // As if the host had been of another release then, with another package.
    const version = /-(\d[^-]*)/.exec(pinned)?.[1] ?? "";
    await sh(
      host,
      `sed -i -e '1s/.*/{/' -e 's/"release": "${release}"/"release": "4.6"/' /var/db/pulumi-openbsd-postfix/record.json
       cd /var/db/pkg && mv ${pinned} postfix-2.0 && sed -i 's/^@name .*/@name postfix-2.0/' postfix-2.0/+CONTENTS
       sed -i 's/^${pinned}$/postfix-2.0/' */+REQUIRED_BY`,
    );
    expect(await preview(fromMirror(host))).toContain(`replace postfix-2.0 by ${pinned}`);
    const again = await create(KIND, fromMirror(host));
    expect(again.props["name"]).toBe(pinned);
    expect(again.props["forRelease"]).toBe(release);
    await refresh(again);
    expect(await differs(again)).toBe(false);
    // Pinned, it stays what it is.
    await sh(
      host,
      `sed -i -e '1s/.*/{/' -e 's/"release": "${release}"/"release": "4.6"/' /var/db/pulumi-openbsd-postfix/record.json`,
    );
    const stays = fromMirror(host, { version });
    expect(await preview(stays)).toContain("nothing to change");
  });
});

test("before 6.1 a host that names no repository is asked where packages are; /etc/pkg.conf names one", async () => {
  const host = await startHost({ release: "4.7" });
  try {
    expect(await failures(KIND, news(host, {}))).toMatch(
      /^packagePath: the host names no package repository.*pub\/OpenBSD\/4\.7\/packages/,
    );
    await sh(
      host,
      `echo 'installpath = ${String(packageOf("4.7")["packagePath"])}' > /etc/pkg.conf`,
    );
    const made = await create(KIND, news(host, {}));
    expect(made.props["name"]).toBe("postfix-2.6.5");
  } finally {
    await host.stop();
  }
});

test("of two branches the preview says which is taken, and that there is another", async () => {
  const host = await startHost({ release: "7.8" });
  try {
    expect(await preview(news(host, {}))).toMatch(
      /install postfix-3\.10\.4 \(of the branch stable; there is also postfix-3\.5\.25p2: see `branch`\)/,
    );
    const made = await create(KIND, news(host, { branch: "stable35" }));
    expect(made.props["name"]).toBe("postfix-3.5.25p2");
    await update(made, news(host, { branch: "stable" }));
    expect(made.props["name"]).toBe("postfix-3.10.4");
    await update(made, news(host, { version: "3.5.25p2" }));
    expect(made.props["name"]).toBe("postfix-3.5.25p2");
    expect(await failures(KIND, news(host, { branch: "snapshot" }))).toMatch(
      /^branch: the branch snapshot has no package with these flavors.*postfix-3\.10\.4/,
    );
  } finally {
    await host.stop();
  }
});

describe("repositories of OpenBSD 7.8", () => {
  const stable = "/mirror/pub/OpenBSD/7.8/packages-stable/amd64";
  const release = "/mirror/pub/OpenBSD/7.8/packages/amd64";
  let host: TestHost;
  beforeEach(async () => {
    host = await startHost({ release: "7.8" });
  });
  afterEach(() => host.stop());

  test.each([
    ["postfixadmin alone", `cp ${release}/postfixadmin-*.tgz ${stable}/postfixadmin-3.3.14.tgz`],
    ["one plain Postfix", `cp ${release}/postfix-3.10.4.tgz ${stable}/`],
  ])("with %s in packages-stable, all that packages has is on offer too", async (_, script) => {
    await sh(host, script);
    for (const [args, name] of [
      [{ flavors: ["mysql"] }, "postfix-3.10.4-mysql"],
      [{ branch: "stable35" }, "postfix-3.5.25p2"],
      [{ version: "3.5.25p2" }, "postfix-3.5.25p2"],
      [{}, "postfix-3.10.4"],
    ] as const)
      expect(await preview(news(host, args))).toContain(`install ${name}`);
    const made = await create(KIND, news(host, { branch: "stable35" }));
    expect(made.props["name"]).toBe("postfix-3.5.25p2");
  });

  test.each([
    [
      "http://127.0.0.1:1/x/",
      /pkg_info -aQ postfix` printed: .*connect: Connection refused; .*: empty/,
    ],
    ["/nowhere/", /\/nowhere\/ is no folder of the host/],
    ["/tmp/", /\/tmp\/ has no postfix-\*\.tgz/],
  ])(
    "a packagePath in which nothing is found, %s, fails the preview with what was asked",
    async (packagePath, answer) => {
      const text = await failures(KIND, news(host, { packagePath }));
      expect(text).toMatch(
        new RegExp(`^packagePath: no package of Postfix was found in ${packagePath}`),
      );
      expect(text).toMatch(answer);
    },
  );

  test("a package of an unknown key: the error speaks of signatures, and says each thing once", async () => {
    await sh(
      host,
      `mkdir /tmp/other; cd /tmp/other
       printf '@name postfix-9.0\\n@comment pkgpath=mail/postfix/stable\\n@comment testhost: another key\\n' > +CONTENTS
       tar -czf postfix-9.0.tgz +CONTENTS`,
    );
    const { error } = await attempt(news(host, { packagePath: "/tmp/other/" }));
    expect(error?.match(/signify: verification failed/g)).toHaveLength(1);
    expect(error).toMatch(/no Postfix is installed[\s\S]*key must be in \/etc\/signify/);
  });
});
