/** Every step is held to the same laws, on a host of each release, through the provider's own methods. */
import { poolCounters } from "../../provider/host/pool";
import { diffTrees, type Release, startHost, type TestHost, type Tree } from "../../testing";
import { connectionTo, ENTRIES, packageOf, PARAMETERS, RELEASES, sh } from "../preview/server";
import {
  checked,
  create,
  differs,
  inputsOf,
  type Made,
  refresh,
  remove,
  said,
  update,
} from "./provider";

interface Case {
  readonly kind: string;
  readonly args: Record<string, unknown>;
  /** How an admin breaks it; `undefined` where it leaves nothing on the host that could be broken. */
  readonly drift?: string;
  /** An edit beside what is managed, which must survive everything, and what to look for. */
  readonly beside?: { readonly script: string; readonly find: string; readonly undo: string };
}

function cases(release: Release): Case[] {
  const line = "# an admin's own line";
  const own = (path: string): NonNullable<Case["beside"]> => ({
    script: `echo "${line}" >> ${path}`,
    find: `grep -c "${line}" ${path}`,
    undo: `sed -i "/${line}/d" ${path}`,
  });
  return [
    { kind: "PostfixPackage", args: packageOf(release) },
    {
      kind: "Aliases",
      args: { entries: ENTRIES },
      drift: "sed -i 's/^postmaster:.*/postmaster: nobody/' /etc/postfix/aliases",
      beside: own("/etc/postfix/aliases"),
    },
    {
      kind: "MainCf",
      args: {
        parameters: {
          ...PARAMETERS,
          alias_maps: "hash:/etc/postfix/aliases",
          alias_database: "hash:/etc/postfix/aliases",
        },
      },
      drift: "sed -i '/^mydomain/d' /etc/postfix/main.cf",
      beside: own("/etc/postfix/main.cf"),
    },
    { kind: "ChrootResolv", args: {}, drift: "echo x >> /var/spool/postfix/etc/services" },
    {
      kind: "BaseMailer",
      args: {},
      drift:
        release === "4.7"
          ? "/usr/libexec/sendmail/sendmail -L sm-mta -C/etc/mail/localhost.cf -bd -q30m"
          : "rcctl -f start smtpd",
    },
    { kind: "MailerConf", args: {}, drift: "cp /etc/mailer.conf.pre-postfix /etc/mailer.conf" },
    {
      kind: "RcConfLocal",
      args: { flags: { ntpd_flags: ["-s"] } },
      drift: "sed -i 's/-s//' /etc/rc.conf.local",
      beside: own("/etc/rc.conf.local"),
    },
    { kind: "PostfixService", args: {}, drift: "/usr/local/sbin/postfix stop" },
    {
      kind: "RootCrontab",
      args: { commentOut: ["newsyslog"] },
      drift: "sed -i '/newsyslog/s/^#*//' /var/cron/tabs/root",
      beside: own("/var/cron/tabs/root"),
    },
  ];
}

async function running(host: TestHost): Promise<string> {
  return sh(
    host,
    "for p in 'sendmail: accepting' smtpd master; do pgrep -f \"$p\" >/dev/null && echo $p; done; true",
  );
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  const made: Made[] = [];
  const trees: Tree[] = [];
  const processes: string[] = [];
  const steps = cases(release);

  beforeAll(async () => {
    host = await startHost({ release });
  });
  afterAll(() => host.stop());

  const news = (step: Case, preview = false): Record<string, unknown> =>
    inputsOf(step.kind, step.args, connectionTo(host), { preview });

  test.each(steps)(
    "$kind: a check with preview changes nothing on the host, and says what will be",
    async (step) => {
      const before = await host.snapshot();
      said();
      await checked(step.kind, {}, news(step, true));
      expect(said()).toContain(`${step.kind} info: root@`);
      expect(diffTrees(before, await host.snapshot())).toEqual([]);
      // In the order of a server, each on top of the ones before it.
      trees.push(before);
      processes.push(await running(host));
      made.push(await create(step.kind, news(step)));
    },
  );

  test.each(steps.map((step, index) => ({ ...step, index })))(
    "$kind: made once, it is as wanted, and made again it writes nothing",
    async ({ index }) => {
      const one = made[index] as Made;
      const before = await host.snapshot();
      await refresh(one);
      expect(await differs(one)).toBe(false);
      await update(one);
      expect(diffTrees(before, await host.snapshot())).toEqual([]);
    },
  );

  test.each(
    steps.map((step, index) => ({ ...step, index })).filter(({ drift }) => drift !== undefined),
  )("$kind: drift is seen, shown in its inputs, and repaired", async ({ index, drift, kind }) => {
    const one = made[index] as Made;
    // Two mailers cannot have one port.
    if (kind === "BaseMailer") await sh(host, "/usr/local/sbin/postfix stop; sleep 1");
    const wanted = JSON.stringify(one.inputs);
    await sh(host, drift ?? "");
    await refresh(one);
    expect(JSON.stringify(one.inputs)).not.toBe(wanted);
    expect(await differs(one)).toBe(true);
    await update(one);
    await refresh(one);
    expect(await differs(one)).toBe(false);
    if (kind === "BaseMailer") {
      const service = made.find((other) => other.kind === "PostfixService") as Made;
      await refresh(service);
      await update(service);
    }
  });

  test("reading all steps of a host takes one connection and no more round trips than one", async () => {
    await Promise.all(made.map((one) => refresh(one)));
    const before = poolCounters();
    await Promise.all(made.map((one) => refresh(one)));
    const after = poolCounters();
    expect(after.connections - before.connections).toBe(0);
    expect(after.roundTrips - before.roundTrips).toBe(1);
  });

  test("an admin's edits beside what is managed survive an update and are no drift", async () => {
    for (const { beside } of steps) if (beside) await sh(host, beside.script);
    for (const one of made) {
      await refresh(one);
      if (one.kind !== "PostfixService") expect(await differs(one)).toBe(false);
    }
    for (const { beside } of steps)
      if (beside) expect((await sh(host, beside.find)).trim()).toBe("1");
    for (const { beside } of steps) if (beside) await sh(host, beside.undo);
    for (const one of made) await refresh(one);
  });

  test("undone in reverse order, every step gives back the tree and the processes of before it", async () => {
    for (let index = made.length - 1; index >= 0; index -= 1) {
      const one = made[index] as Made;
      await refresh(one);
      await remove(one);
      const left = diffTrees(trees[index] as Tree, await host.snapshot());
      // The record is there as long as somebody owns something; and in a file that was repaired, our own lines may have
      // another order than before, until its step is undone as well.
      const repaired = ["MainCf", "Aliases"].filter((kind) =>
        made.slice(0, index).some((other) => other.kind === kind),
      );
      const expected = (path: string): boolean =>
        path.startsWith("/var/db/pulumi-openbsd-postfix") ||
        (repaired.includes("MainCf") && path === "/etc/postfix/main.cf: contents") ||
        (repaired.includes("Aliases") && path === "/etc/postfix/aliases: contents");
      expect({
        kind: one.kind,
        left: left.filter((path) => !expected(path)),
      }).toEqual({
        kind: one.kind,
        left: [],
      });
      expect({ kind: one.kind, runs: await running(host) }).toEqual({
        kind: one.kind,
        runs: processes[index],
      });
    }
    expect(diffTrees(trees[0] as Tree, await host.snapshot())).toEqual([]);
  });
});
