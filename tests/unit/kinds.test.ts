/** Decisions of single kinds that are awkward to bring about on a host, on answers as one would give them. */
import type { Change, Kind, PlanContext } from "../../provider/contract/kind";
import { waitForJob } from "../../provider/host/detachedJob";
import type { FileState, HostWriter, JobState } from "../../provider/host/host";
import {
  claim,
  EMPTY_RECORD,
  type HostRecord,
  type KeyEntry,
  parseRecord,
  recordFile,
  savedFile,
} from "../../provider/host/record";
import { aliases } from "../../provider/kinds/aliases";
import { baseMailer } from "../../provider/kinds/baseMailer";
import type { ChrootResolvArgs } from "../../provider/arguments/chrootResolv";
import { violations } from "../../provider/arguments/schema";
import { chrootResolv } from "../../provider/kinds/chrootResolv";
import { missingHeaders } from "../../provider/kinds/mailCheck";
import { mailerConf } from "../../provider/kinds/mailerConf";
import { rootCrontab } from "../../provider/kinds/rootCrontab";
import { platformOf } from "../../provider/openbsd/platform";
import { ABSENT, file, type Has, seen } from "./fakeHost";

const owner = { urn: "urn:pulumi:s::p::t::n", instance: "i" };

/** A kind that looks at one host, whose files and record change. */
class Bench<A extends object, O> {
  readonly warnings: string[] = [];
  record: HostRecord = EMPTY_RECORD;
  constructor(
    private readonly kind: Kind<A, O>,
    private readonly release: string,
    private readonly given: A,
    readonly files: Record<string, FileState>,
    private readonly prints: Has["prints"] = [],
  ) {}

  private async seen(): Promise<{ observed: O; args: A; context: PlanContext }> {
    const platform = platformOf(this.release);
    const args = this.kind.complete(this.given, platform);
    const { files, record, prints = [] } = this;
    return {
      observed: await seen(this.kind.look(args, platform), { files, record, prints }),
      args,
      context: {
        ...{ platform, record, owner },
        dropped: [],
        applied: undefined,
        coming: () => false,
        expected: () => undefined,
        isSecret: () => false,
      },
    };
  }

  async plan(): Promise<readonly Change[]> {
    const { observed, args, context } = await this.seen();
    return this.kind.plan(observed, args, context).changes;
  }

  async live(): Promise<Partial<A>> {
    const { observed, args, context } = await this.seen();
    return this.kind.live(observed, args, context.platform);
  }

  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const { observed, args, context } = await this.seen();
    return this.kind.outputs(observed, args, context.platform);
  }

  /** Claims what it is to own, as the driver does before the first change. */
  async claimed(): Promise<string[]> {
    const { observed, args, context } = await this.seen();
    const { claims, files } = this.kind.owns(observed, args, context);
    const baselines = Object.fromEntries(
      Object.entries(files).map(([path, state]) => [path, savedFile(state)]),
    );
    this.record = parseRecord(recordFile(claim(this.record, owner, claims, baselines)));
    return claims.map(({ key }) => key);
  }

  do(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.change === "remove") this.files[change.path] = ABSENT;
      if (change.change === "write") {
        const was = change.found.type === "file" ? change.found : { mode: 0o644, uid: 0 };
        const { mode = was.mode, uid = was.uid } = change;
        this.files[change.path] = file(change.contents, { mode, uid });
      }
    }
  }

  async judge(): Promise<void> {
    const { observed, args, context } = await this.seen();
    await this.kind.judge?.(observed, args, {
      ...context,
      host: undefined as never,
      plan: this.kind.plan(observed, args, context),
      comingItself: () => false,
      expected: () => undefined,
      brought: () => undefined,
      note: () => undefined,
      predicted: () => undefined,
      found: () => undefined,
      declare: () => undefined,
      declared: () => new Map(),
      warn: (text) => this.warnings.push(text),
    });
  }

  async restore(): Promise<readonly Change[]> {
    const { observed, args, context } = await this.seen();
    const keys: readonly (readonly [string, KeyEntry])[] = Object.entries(this.record.keys);
    return this.kind.restore(observed, args, {
      ...{ platform: context.platform, keys, record: this.record },
      warn: (text) => this.warnings.push(text),
    }).changes;
  }
}

describe("RootCrontab", () => {
  const PATH = "/var/cron/tabs/root";
  const TAB = "*/30 * * * * /usr/sbin/sendmail -L sm-msp-queue -Ac -q\n0 * * * * newsyslog\n";

  test("after `crontab -r` there is nothing to do, and what stood there is not forgotten", async () => {
    const bench = new Bench(rootCrontab, "5.0", {}, { [PATH]: file(TAB, { mode: 0o600 }) });
    const keys = await bench.claimed();
    bench.do(await bench.plan());
    bench.files[PATH] = ABSENT;
    expect(await bench.plan()).toEqual([]);
    expect(await bench.live()).toEqual({ commentOut: ["sm-msp-queue"] });
    expect(await bench.claimed()).toEqual(keys);
    // It comes back as it was once.
    bench.files[PATH] = file(TAB);
    expect(await bench.plan()).toHaveLength(1);
    bench.do(await bench.plan());
    bench.do(await bench.restore());
    expect(bench.files[PATH]).toMatchObject({ contents: TAB });
  });

  test("a host that never had a tab gets none, and nothing is claimed", async () => {
    const bench = new Bench(rootCrontab, "5.0", {}, {});
    expect(await bench.plan()).toEqual([]);
    expect(await bench.claimed()).toEqual([]);
  });

  test.each([
    ["sm-msp-queue", "#*/30"],
    ["/sm-msp-queue +-Ac/", "#*/30"],
    ["/^0 .*syslog$/", "#0 * *"],
  ])("%s comments the line out that it matches, and no other", async (pattern, line) => {
    const bench = new Bench(rootCrontab, "7.8", { commentOut: [pattern] }, { [PATH]: file(TAB) });
    const [write] = await bench.plan();
    const lines = write?.change === "write" ? write.contents.split("\n") : [];
    expect(lines.filter((one) => one.startsWith("#"))).toEqual([
      expect.stringMatching(new RegExp(`^${line.replace(/[*]/g, "\\*")}`)),
    ]);
  });

  test("an expression that is none fails, with its path", () => {
    expect(violations(rootCrontab.arguments, { commentOut: ["ok", "/(/"] })).toEqual([
      { path: "commentOut[1]", reason: expect.stringContaining("regular expression") as string },
    ]);
  });
});

describe("MailerConf", () => {
  const [CURRENT, POSTFIX] = ["/etc/mailer.conf", "/etc/mailer.conf.postfix"] as const;
  const BASE = "sendmail\t/usr/sbin/smtpctl\n";
  const ROWS = "sendmail\t/usr/local/sbin/sendmail\n";

  test("cut before mailer.conf.postfix went, it goes in the next run", async () => {
    const files = { [CURRENT]: file(BASE), [POSTFIX]: file(ROWS) };
    const bench = new Bench(mailerConf, "7.8", {}, files);
    await bench.claimed();
    bench.do((await bench.plan()).slice(0, -1));
    expect((await bench.live()).mailer).toMatch(
      /^postfix, with .*mailer\.conf\.postfix left over$/,
    );
    expect(await bench.plan()).toEqual([
      expect.objectContaining({ change: "remove", path: POSTFIX }) as Change,
    ]);
    bench.do(await bench.plan());
    expect(await bench.live()).toEqual({ mailer: "postfix" });
    expect(await bench.plan()).toEqual([]);
  });

  test("on a host that an admin has enabled, the file is the admin's", async () => {
    const files = { [CURRENT]: file(ROWS), [POSTFIX]: file(ROWS) };
    expect(await new Bench(mailerConf, "7.8", {}, files).plan()).toEqual([]);
  });

  test("a mailer.conf.postfix that maps sendmail to something else is not put in force", async () => {
    const files = { [CURRENT]: file(BASE), [POSTFIX]: file(BASE) };
    const bench = new Bench(mailerConf, "7.8", {}, files);
    bench.do(await bench.plan());
    expect(await bench.live()).toEqual({ mailer: "postfix" });
  });
});

describe("ChrootResolv", () => {
  const [SOURCE, COPY] = ["/etc/hosts", "/var/spool/postfix/etc/hosts"] as const;
  const bench = (source: FileState, copy: FileState): Bench<ChrootResolvArgs, unknown> =>
    new Bench<ChrootResolvArgs, unknown>(
      chrootResolv,
      "7.8",
      { files: ["hosts"] },
      { [SOURCE]: source, [COPY]: copy },
    );

  test.each([
    ["another owner", { uid: 507 }],
    ["others who may write", { mode: 0o666 }],
  ])("a copy with %s is drift, mended, and undone", async (_what, attributes) => {
    const one = bench(file("x"), file("x", attributes));
    expect(await one.live()).toEqual({ copies: { hosts: "not root's alone to write" } });
    await one.claimed();
    one.do(await one.plan());
    expect(one.files[COPY]).toMatchObject({ mode: 0o644, uid: 0 });
    expect(await one.plan()).toEqual([]);
    one.do(await one.restore());
    expect(one.files[COPY]).toMatchObject(attributes);
  });

  test("a copy that root alone may write is adopted, whatever else its mode says", async () => {
    expect(await bench(file("x"), file("x", { mode: 0o444 })).plan()).toEqual([]);
  });

  test("a source that is missing is said", async () => {
    const one = bench(ABSENT, ABSENT);
    await one.judge();
    expect(one.warnings).toEqual([expect.stringContaining("/etc/hosts is missing")]);
  });
});

describe("BaseMailer", () => {
  const processes = (title: string): readonly [string, string] => [
    "/bin/ps",
    `    1     0     0     0 init\n   47     1     0     0 ${title}\n`,
  ];
  const total = (count: number): string =>
    `\t\t/var/spool/mqueue (${count} requests)\n\t\tTotal requests: ${count}\n`;

  test("mail in sendmail's client queue counts as well, and is named", async () => {
    const running = processes("sendmail: accepting connections");
    const prints = [running, ["-Ac -bp", total(1)], ["-bp", total(2)]] as const;
    const bench = new Bench(baseMailer, "4.7", {}, {}, prints);
    expect(await bench.outputs()).toMatchObject({ queuedMessages: 3 });
    await bench.judge();
    expect(bench.warnings).toEqual([
      "sendmail has 2 message(s) in its queue and 1 message(s) in its client queue: it is delivered before the switch, or handed to Postfix.",
    ]);
  });

  test("smtpd has one queue", async () => {
    const queue = ["show queue", "a|local|mta\nb|local|mta\n"] as const;
    const bench = new Bench(baseMailer, "7.8", {}, {}, [processes("/usr/sbin/smtpd"), queue]);
    expect(await bench.outputs()).toMatchObject({ queuedMessages: 2 });
  });
});

describe("Aliases", () => {
  test.each([
    [["a, b"], "entries.root[0]"],
    [["alice", "a b"], "entries.root[1]"],
  ])("recipients %j fail at %s, and are not printed", (targets, path) => {
    const failures = violations(aliases.arguments, { entries: { root: targets } });
    expect(failures).toEqual([
      { path, reason: expect.stringContaining("several items of the list") as string },
    ]);
    expect(failures[0]?.reason).not.toContain(targets.at(-1) ?? "");
  });

  test("a name with a control character fails", () => {
    expect(violations(aliases.arguments, { entries: { "a\tb": ["alice"] } })).toHaveLength(1);
  });

  test.each([["alice"], ["a@example.org"], ['"|/bin/x -y"'], ["/var/log/x"], [":include:/etc/x"]])(
    "%s is a recipient",
    (target) => {
      expect(violations(aliases.arguments, { entries: { root: [target] } })).toEqual([]);
    },
  );
});

describe("MailCheck", () => {
  const BOTH = "Return-Path: <>\nX-Original-To: alice@localhost\nDelivered-To: alice@localhost\n";

  test.each([
    ["both", BOTH, {}, []],
    ["no X-Original-To", BOTH.replace(/X-.*\n/, ""), {}, ["X-Original-To"]],
    ["no Delivered-To", BOTH.replace(/D.*\n/, ""), {}, ["Delivered-To"]],
    ["neither", "", {}, ["X-Original-To", "Delivered-To"]],
    [
      "switched off",
      "",
      { enable_original_recipient: "no", prepend_delivered_header: "forward" },
      [],
    ],
    [
      "by default",
      "",
      { enable_original_recipient: "yes", prepend_delivered_header: "command, file, forward" },
      ["X-Original-To", "Delivered-To"],
    ],
  ])("%s", (_what, headers, settings, missing) => {
    expect(missingHeaders(headers, { settings })).toEqual(missing);
  });

  test("virtual(8) knows no switch for Delivered-To", () => {
    const settings = { prepend_delivered_header: "forward" };
    expect(missingHeaders("", { settings }, "virtual")).toEqual(["X-Original-To", "Delivered-To"]);
  });
});

test("a job that never stops writing is asked for once a second, and told of no more often", async () => {
  let polls = 0;
  let offset = 0;
  const end = Date.now() + 1500;
  const host = {
    address: "host",
    pollJob: async (_key: string, _offset: number, waitMs = 0): Promise<JobState> => {
      polls += 1;
      // The host waits for the end of the job.
      await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, end - Date.now())));
      const running = Date.now() < end;
      const log = running ? "line\n" : "";
      offset += log.length;
      return {
        state: running ? "running" : "ended",
        exitCode: running ? null : 0,
        signal: null,
        log,
        offset,
      };
    },
  } as unknown as HostWriter;
  let told = 0;
  const done = await waitForJob(host, "job", { timeoutMs: 60_000, progress: () => (told += 1) });
  expect(done.exitCode).toBe(0);
  expect(polls).toBeLessThan(6);
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThanOrEqual(3);
});
