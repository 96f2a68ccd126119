/** RcConfLocal's own decisions, on answers as a host would give them. */
import type { AnyKind, Change, Failure, Plan } from "../../provider/contract/kind";
import { askKind, Unfit } from "../../provider/driver/sight";
import type { FileState } from "../../provider/host/host";
import { EMPTY_RECORD, type HostRecord } from "../../provider/host/record";
import type { RcConfLocalArgs } from "../../provider/arguments/rcConfLocal";
import { rcConfLocal } from "../../provider/kinds/rcConfLocal";
import { platformOf } from "../../provider/openbsd/platform";
import { file, seen as seenOn } from "./fakeHost";

const SOCKET = "/var/spool/postfix/dev/log";
const FOLDER: FileState = { type: "directory", mode: 0o755, uid: 0, gid: 0 };
const OTHER: FileState = { type: "other", mode: 0o666, uid: 0, gid: 0 };

interface Host {
  readonly release: string;
  readonly local?: string;
  readonly rcConf?: string;
  readonly record?: Partial<HostRecord>;
  /** The processes of root, of _syslogd, and of an ordinary user, by their titles; without root's, ps shows nothing. */
  readonly ps?: readonly string[];
  readonly syslogd?: readonly string[];
  readonly stranger?: readonly string[];
  readonly scripts?: readonly string[];
  readonly installed?: boolean;
  readonly coming?: readonly string[];
}

interface Seen {
  readonly plan: Plan;
  readonly changes: readonly Change[];
  readonly failures: readonly Failure[];
  readonly warnings: readonly string[];
  readonly live: Partial<RcConfLocalArgs>;
  /** What rc.conf.local is to be. */
  readonly text: string | undefined;
  readonly restarts: boolean;
}

const RC_CONF = `sshd_flags=""
ntpd_flags=NO
syslogd_flags=			# more sockets
pkg_scripts=
local_rcconf="/etc/rc.conf.local"
[ -f \${local_rcconf} ] && . \${local_rcconf}
`;

/** What ps(1) prints: each process with its owner, those of the ordinary user first. */
function listing({ ps, syslogd = [], stranger = [] }: Host): string {
  const row = (uid: number) => (title: string) => `   9     1  ${uid}  ${uid} ${title}\n`;
  const init = "    1     0     0     0 init\n";
  return ps === undefined
    ? ""
    : [init, ...stranger.map(row(1000)), ...ps.map(row(0)), ...syslogd.map(row(73))].join("");
}

async function look(given: RcConfLocalArgs, host: Host): Promise<Seen> {
  const platform = platformOf(host.release);
  const args = rcConfLocal.complete(given, platform);
  const record = { ...EMPTY_RECORD, ...host.record };
  const scripts = host.scripts ?? ["postfix"];
  const here: Record<string, FileState> = {
    ...(host.local === undefined ? {} : { "/etc/rc.conf.local": file(host.local) }),
    "/etc/rc.conf": file(host.rcConf ?? RC_CONF),
    "/var/spool/postfix/dev": FOLDER,
    [SOCKET]: OTHER,
    ...(host.installed === false ? {} : { "/usr/local/sbin/postfix": file("") }),
    ...Object.fromEntries(scripts.map((name) => [`/etc/rc.d/${name}`, file("")])),
  };
  const observed = await seenOn(rcConfLocal.look(args, platform), {
    files: here,
    record,
    users: { _syslogd: 73 },
    prints: [["/bin/ps", listing(host)]],
  });
  const owner = { urn: "urn:pulumi:s::p::t::n", instance: "i" };
  const coming = (path: string): boolean => (host.coming ?? []).includes(path);
  const context = {
    platform,
    record,
    owner,
    dropped: [],
    applied: undefined,
    coming,
    expected: () => undefined,
    isSecret: () => false,
  };
  const warnings: string[] = [];
  let plan: Plan;
  try {
    plan = askKind(rcConfLocal as unknown as AnyKind, { ...args }, () =>
      rcConfLocal.plan(observed, args, context),
    );
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const { path, reason } = error;
    const nothing = {
      plan: { changes: [] },
      changes: [],
      live: {},
      text: undefined,
      restarts: false,
    };
    return { ...nothing, failures: [{ path, reason }], warnings };
  }
  const failures =
    (await rcConfLocal.judge?.(observed, args, {
      host: undefined as never,
      plan,
      record,
      platform,
      coming,
      comingItself: () => false,
      expected: () => undefined,
      brought: () => undefined,
      note: () => undefined,
      predicted: () => undefined,
      found: () => undefined,
      declare: () => undefined,
      declared: () => new Map(),
      warn: (text) => warnings.push(text),
    })) ?? [];
  const { changes } = plan;
  const write = changes.find((change) => change.change === "write");
  return {
    plan,
    changes,
    failures,
    warnings,
    live: rcConfLocal.live(observed, args, platform),
    text: write?.contents,
    restarts: changes.some(
      (change) => change.change === "act" && change.text.startsWith("restart syslogd"),
    ),
  };
}

const NONE = { boot: "unchanged", logSocket: false } as const;

describe("what rc.conf says is built on", () => {
  test.each(["4.7", "5.0", "5.6", "7.8"])(
    "%s: its flags stay beside the one that is added",
    async (release) => {
      const rcConf = RC_CONF.replace(/syslogd_flags=.*/, 'syslogd_flags="-u -h"');
      const { text, restarts, failures } = await look(
        { boot: "unchanged", logSocket: true },
        { release, rcConf },
      );
      expect(failures).toEqual([]);
      expect(text).toBe(`syslogd_flags="-u -h -a ${SOCKET}"\n`);
      expect(restarts).toBe(true);
    },
  );

  test("a flag that is there already is adopted, in which of the two files ever", async () => {
    const rcConf = RC_CONF.replace(/syslogd_flags=.*/, `syslogd_flags="-a ${SOCKET}"`);
    const ps = [`/usr/sbin/syslogd -a ${SOCKET}`];
    const seen = await look({ boot: "unchanged" }, { release: "5.0", rcConf, ps });
    expect(seen.changes).toEqual([]);
    expect(seen.live.flags).toEqual({ syslogd_flags: [`-a ${SOCKET}`] });
  });

  test("a daemon that it has as NO is not turned on by a flag", async () => {
    const { failures, text } = await look(
      { ...NONE, flags: { sshd_flags: ["-u0"], ntpd_flags: ["-s"] } },
      { release: "4.7" },
    );
    expect(text).toBeUndefined();
    expect(failures).toEqual([
      { path: "flags.ntpd_flags[0]", reason: expect.stringMatching(/ntpd_flags is NO/) as string },
    ]);
  });
});

describe("what the file cannot be made to say is a failure of the property", () => {
  test.each<[string, RcConfLocalArgs, Host, string, RegExp]>([
    [
      "a variable that the release does not read",
      { ...NONE, variables: { foo: "1" } },
      { release: "7.8" },
      "variables.foo",
      /foo is not read by this release/,
    ],
    [
      "a file that ends in the middle",
      { ...NONE, variables: { a_flags: "", b_flags: "" } },
      { release: "4.7", local: "x=1\nexit 0\n" },
      "variables.a_flags",
      /line 2.*nothing can be added after it/,
    ],
    [
      "a log socket of a syslogd that is off",
      { boot: "unchanged" },
      { release: "5.0", local: "syslogd_flags=NO\n" },
      "logSocket",
      /syslogd_flags is NO.*`logSocket: false`.*`variables: \{ syslogd_flags: "" \}`/,
    ],
    [
      "a list of scripts that was meant to go on in the next line",
      { ...NONE, packageScripts: ["postfix"] },
      { release: "5.6", local: 'pkg_scripts="mysqld \\\n  dovecot"\n' },
      "packageScripts[0]",
      /rc\.conf\.local, line 1, pkg_scripts: this release reads one line and no further/,
    ],
    [
      "flags in a file with the line ends of Windows",
      { ...NONE, flags: { ntpd_flags: ["-s"] } },
      { release: "7.8", local: 'pf=NO\r\nntpd_flags="-v"\r\n' },
      "flags.ntpd_flags[0]",
      /rc\.conf\.local, line 2, ntpd_flags: its carriage return/,
    ],
    [
      "a variable that came with a later release",
      { ...NONE, variables: { library_aslr: "NO" } },
      { release: "6.1" },
      "variables.library_aslr",
      /library_aslr is not read by this release/,
    ],
    [
      "a package's script on 4.9",
      { ...NONE, packageScripts: ["dovecot"] },
      { release: "4.9" },
      "packageScripts[0]",
      /4\.9 does not read pkg_scripts but rc_scripts: .*`variables`/,
    ],
    [
      "a package's script on 4.7",
      { ...NONE, packageScripts: ["dovecot"] },
      { release: "4.7" },
      "packageScripts[0]",
      /rc\.local/,
    ],
  ])("%s", async (_what, args, host, path, reason) => {
    const { failures } = await look(args, host);
    expect(failures).toEqual([{ path, reason: expect.stringMatching(reason) as string }]);
  });

  test("a useless pkg_scripts of before goes on as it is", async () => {
    const local = 'pkg_scripts="dovecot"\n';
    const { failures, changes } = await look(
      { ...NONE, packageScripts: ["dovecot"] },
      { release: "4.9", local },
    );
    expect([failures, changes]).toEqual([[], []]);
  });
});

describe("scripts that rc(8) would pass over", () => {
  test("a package of before 5.0 has none: nothing would serve after the next boot", async () => {
    const { failures } = await look({}, { release: "5.0", scripts: [] });
    expect(failures).toEqual([
      {
        path: "boot",
        reason: expect.stringMatching(/\/etc\/rc\.d\/postfix is not there.*before 5\.0/) as string,
      },
    ]);
  });

  test("one that an earlier step brings is as good as there", async () => {
    const seen = await look({}, { release: "5.0", scripts: [], coming: ["/etc/rc.d/postfix"] });
    expect([seen.failures, seen.warnings]).toEqual([[], []]);
  });

  test("without Postfix on the host that is only said", async () => {
    const seen = await look({}, { release: "7.8", scripts: [], installed: false });
    expect(seen.failures).toEqual([]);
    expect(seen.warnings).toEqual([expect.stringContaining("Postfix is not installed")]);
  });

  test("a name that is no script fails", async () => {
    const { failures } = await look(
      { packageScripts: ["dovcot"] },
      { release: "7.8", scripts: ["postfix"] },
    );
    expect(failures.map(({ path }) => path)).toEqual(["packageScripts[1]"]);
  });
});

describe("a syslogd that does not run by its flags", () => {
  const local = `syslogd_flags="-a ${SOCKET}"\n`;
  const PRIV = "syslogd: [priv] (syslogd)";
  const OURS = `/usr/sbin/syslogd -a /var/empty/dev/log -a ${SOCKET}`;
  const OTHERS = "/usr/sbin/syslogd -a /var/empty/dev/log";

  test.each<[string, Pick<Host, "ps" | "syslogd" | "stranger">, boolean]>([
    ["runs with them, and with those of boot", { ps: [PRIV], syslogd: [OURS] }, false],
    ["runs with them, both processes root's", { ps: [PRIV, OURS] }, false],
    ["runs with them, started by hand", { ps: [`syslogd -a ${SOCKET}`, PRIV] }, false],
    ["runs without", { ps: [PRIV, "/usr/sbin/cron"], syslogd: ["/usr/sbin/syslogd"] }, true],
    ["runs with others", { ps: [PRIV], syslogd: [OTHERS] }, true],
    [
      "runs without, and is being started again",
      { ps: ["/bin/ksh /etc/rc.d/syslogd start"] },
      false,
    ],
    ["cannot be seen", { ps: [PRIV] }, false],
    ["does not run", { ps: ["/usr/sbin/cron"] }, false],
    ["cannot be told", {}, false],
    [
      "runs with them, while an ordinary user shows another",
      { ps: [PRIV], syslogd: [OURS], stranger: [OTHERS] },
      false,
    ],
    [
      "runs without, while an ordinary user shows one with them",
      { ps: [PRIV], syslogd: [OTHERS], stranger: [OURS] },
      true,
    ],
  ])("%s", async (_what, processes, restarts) => {
    const seen = await look({ boot: "unchanged" }, { release: "5.0", local, ...processes });
    expect(seen.text).toBeUndefined();
    expect(seen.restarts).toBe(restarts);
    expect(seen.live.logSocket === undefined).toBe(!restarts);
  });

  test("one whose flags are none of ours is let be", async () => {
    const seen = await look(NONE, { release: "7.8", local: "", ps: ["/usr/sbin/syslogd -h"] });
    expect(seen.changes).toEqual([]);
  });

  test("a restart that was cut off is made up for, and Postfix is told of the new socket where it needs one", async () => {
    const ps = [`/usr/sbin/syslogd -a ${SOCKET}`];
    for (const [release, need] of [
      ["5.0", "reload"],
      ["7.8", undefined],
    ] as const) {
      const args = { boot: "unchanged", logSocket: true } as const;
      const seen = await look(args, { release, local, ps, record: { syslogd: "restart" } });
      expect(seen.restarts).toBe(true);
      expect(seen.live.logSocket).toMatch(/not restarted since its flags changed/);
      expect(seen.plan.owes).toEqual({ syslogd: "restart" });
      expect(seen.plan.tells?.need).toBe(need);
    }
  });
});
