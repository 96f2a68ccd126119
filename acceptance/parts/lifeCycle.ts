/** The life of a server on a bare host: preview, up, up again, drift, edits beside it, other logins, a reboot, destroy. */
import type { Outcome } from "../../testing/pulumi/runOutcome";
import {
  breakages,
  breakPackage,
  editByHand,
  greeting,
  handEdits,
  keep,
  mailers,
  packageCheck,
  putBack,
  reboot,
  security,
} from "../host/commands";
import { bootedAt, linesOf } from "../host/facts";
import { filesOf, writtenBetween } from "../host/files";
import { HostFailure, type Ssh } from "../host/ssh";
import { HOSTNAME, resourceOf, STEPS, type StepName } from "../program";
import { changed, type Check, expectSame, NotSeen, type Part, type Stage, USERS } from "../suite";
import { until } from "../until";

/** Files that {@link editByHand} edits and that are not the package's: their bytes come back after the destroy. */
const EDITED = ["etc/rc.conf.local", "var/cron/tabs/root"];

/** What follows from any change of what Postfix reads: a reload, and another test message. */
const FOLLOWS: readonly StepName[] = ["service", "mailCheck"];

const BOOT_MS = 15 * 60_000;

/** The whole life, or the part of it that needs a few minutes. */
export function lifeCycle(short: boolean): Part {
  /** What security(8) and pkg_check(8) say of the bare host, each time; undefined until they were asked. */
  let before: { readonly security: string[]; readonly packages: string[] } | undefined;
  /** The files that are edited later, as they were on the bare host; undefined until they were kept. */
  let unedited: string | undefined;
  let isEdited = false;

  const preview: Check = {
    name: "preview",
    law: "a preview shows every step, and changes nothing on the host",
    run: async (stage) => {
      unedited = await stage.ssh.run(keep, ...EDITED);
      stage.write();
      const run = await timed(stage, "preview", () => stage.stack.preview());
      const missing = STEPS.map(resourceOf).filter((name) => !changed(run).includes(name));
      if (missing.length > 0) throw new NotSeen(`not shown: ${missing.join(", ")}`);
      return expectSame(stage.bare, stage.ssh);
    },
  };

  const up: Check = {
    name: "up",
    law: "up makes a Postfix that delivers, and no other mailer runs",
    run: async (stage) => {
      if (!short) before = await toldBy(stage);
      await timed(stage, "up", () => stage.stack.up());
      await expectPostfixServes(stage);
      return `${await stage.stack.packageName()} greets as ${HOSTNAME}, and the test message was delivered`;
    },
  };

  const secondUp: Check = {
    name: "second-up",
    law: "a second up has nothing to do, and writes nothing",
    run: async (stage) => {
      const then = await filesOf(stage.ssh);
      await timed(stage, "second up", () =>
        stage.stack.up({ refresh: true, expectNoChanges: true }),
      );
      const now = await filesOf(stage.ssh);
      const written = writtenBetween(then, now);
      if (written.length > 0) throw new NotSeen(`written: ${written.join(", ")}`);
      return expectSame(then, stage.ssh);
    },
  };

  const drift: Check = {
    name: "drift",
    breaks: true,
    law: "each managed thing that is broken is shown by a preview, and by it alone, and repaired by up",
    run: async (stage) => {
      // Postfix ends before the base system's mailer starts, which wants the same port.
      const broken = STEPS.filter((step) => step in breakages).reverse();
      for (const step of broken) await stage.ssh.run(breakages[step] as (typeof breakages)[string]);
      const seen = await filesOf(stage.ssh);
      const shown = await timed(stage, "preview of the drift", () =>
        stage.stack.preview({ refresh: true }),
      );
      expectChanged(shown, broken);
      await expectSame(seen, stage.ssh);
      await stage.stack.up({ refresh: true });
      await stage.stack.expectNoDrift();
      await expectPostfixServes(stage);
      return `${broken.length} things broken and repaired`;
    },
  };

  const packageDrift: Check = {
    name: "package-drift",
    breaks: true,
    law: "a package that was removed comes back with all that depends on it",
    without: ({ facts }) =>
      facts.occupants.length > 0
        ? "the package on the host is not the suite's to remove"
        : undefined,
    run: async (stage) => {
      await stage.ssh.run(breakPackage);
      const shown = await stage.stack.preview({ refresh: true });
      if (!changed(shown).includes(resourceOf("package")))
        throw new NotSeen("the preview does not show it");
      await stage.stack.up({ refresh: true });
      await stage.stack.expectNoDrift();
      await expectPostfixServes(stage);
      return "";
    },
  };

  const handEdit: Check = {
    name: "hand-edits",
    breaks: true,
    law: "edits by rcctl, crontab and postconf beside what is managed stay, and only ours is shown and put right",
    run: async (stage) => {
      isEdited = true;
      await stage.ssh.run(editByHand);
      const shown = await stage.stack.preview({ refresh: true });
      expectChanged(shown, ["mainCf"]);
      await stage.stack.up({ refresh: true });
      await stage.stack.expectNoDrift();
      const left = linesOf(await stage.ssh.run(handEdits));
      if (left.length !== 3) throw new NotSeen(`of three edits these are left: ${left.join(", ")}`);
      return `${left.join(", ")} keep theirs`;
    },
  };

  const asUser = (shell: keyof typeof USERS): Check => ({
    name: `doas-${shell}`,
    law: `a user of ${shell}(1) whom doas lets run Perl does what root does`,
    without: ({ facts }) => {
      if (!facts.hasDoas) return `OpenBSD ${facts.release} has no doas(1)`;
      return facts.hasRootKeys
        ? undefined
        : "root has no authorized_keys, by which the user could log in";
    },
    run: async (stage) => {
      stage.write({ user: USERS[shell], alias: `by-${shell}` });
      expectChanged(await stage.stack.up({ refresh: true }), ["aliases"]);
      await stage.stack.expectNoDrift();
      return "an alias added, and nothing left to do";
    },
  });

  const audit: Check = {
    name: "audit",
    law: "security(8) and pkg_check(8) have nothing to say of what was done, once security has listed it as new",
    run: async (stage) => {
      stage.write();
      await stage.stack.up({ refresh: true });
      const after = await toldBy(stage);
      const news = [
        ...after.security.filter((line) => !before?.security.includes(line)),
        ...after.packages.filter((line) => !before?.packages.includes(line)),
      ];
      if (news.length > 0) throw new NotSeen(`new lines\n${news.join("\n")}`);
      return `${after.security.length} and ${after.packages.length} lines, all of them from before`;
    },
  };

  const rebooted: Check = {
    name: "reboot",
    law: "after a reboot Postfix serves, no other mailer runs, and nothing is to be done",
    without: ({ options }) => (options.reboot ? undefined : "--reboot was not given"),
    run: async (stage) => {
      const { ssh, stack } = stage;
      const first = await bootedAt(ssh);
      const begin = Date.now();
      await goesDown(stage);
      await until(BOOT_MS, "the host to be up again", async () => (await bootedAt(ssh)) !== first);
      const seconds = Math.round((Date.now() - begin) / 1000);
      await until(120_000, "Postfix to greet", () => greets(stage));
      await expectPostfixServes(stage);
      await stack.expectNoDrift();
      return `up again after ${seconds} s`;
    },
  };

  const destroy: Check = {
    name: "destroy",
    law: "destroy leaves every byte as it was, and the base system's mailer serves again",
    run: async (stage) => {
      const { ssh, facts } = stage;
      await timed(stage, "destroy", () => stage.stack.destroy());
      if (isEdited) {
        const left = linesOf(await ssh.run(handEdits));
        if (left.join(" ") !== "rc.conf.local crontab")
          throw new NotSeen(`edits of others that survived: ${left.join(", ") || "none"}`);
        await unedit(ssh);
      }
      const compared = await expectSame(stage.bare, ssh);
      const running = linesOf(await ssh.run(mailers));
      if (running.join() !== facts.mailers.join())
        throw new NotSeen(
          `${running.join(", ") || "no mailer"} runs now, and ${facts.mailers.join(", ")} did`,
        );
      return `${compared}; mailer: ${running.join(", ") || "none, as before"}`;
    },
  };

  async function unedit(ssh: Ssh): Promise<void> {
    if (isEdited) await ssh.run(putBack, unedited ?? "", ...EDITED);
  }

  const brief = [preview, up, secondUp, drift, destroy];
  const whole = [preview, up, secondUp, drift, packageDrift, handEdit].concat(
    asUser("ksh"),
    asUser("csh"),
    [audit, rebooted, destroy],
  );
  return {
    name: "life",
    title: "The life of a server",
    short: true,
    checks: short ? brief : whole,
    cleanUp: unedit,
  };
}

/** Runs and notes how long it took. */
async function timed(stage: Stage, name: string, work: () => Promise<Outcome>): Promise<Outcome> {
  const outcome = await work();
  stage.report.figures[name] ??= outcome.elapsedMs / 1000;
  return outcome;
}

/** Throws unless a run changes all of these, and besides them at most what follows from any change. */
function expectChanged(run: Outcome, steps: readonly StepName[]): void {
  const names = changed(run);
  const missing = steps.map(resourceOf).filter((name) => !names.includes(name));
  const allowed = [...steps, ...FOLLOWS].map(resourceOf);
  const more = names.filter((name) => !allowed.includes(name));
  if (missing.length > 0) throw new NotSeen(`not shown: ${missing.join(", ")}`);
  if (more.length > 0) throw new NotSeen(`shown, and not broken: ${more.join(", ")}`);
}

async function greets({ ssh }: Stage): Promise<boolean> {
  return (await ssh.run(greeting)).startsWith(`220 ${HOSTNAME} ESMTP Postfix`);
}

async function expectPostfixServes(stage: Stage): Promise<void> {
  if (!(await greets(stage))) throw new NotSeen(`port 25 greets: ${await stage.ssh.run(greeting)}`);
  const running = linesOf(await stage.ssh.run(mailers));
  if (running.join() !== "postfix") throw new NotSeen(`mailers that run: ${running.join(", ")}`);
}

/** What security(8) and pkg_check(8) say when they have had the occasion to say once what is new. */
async function toldBy({ ssh }: Stage): Promise<{ security: string[]; packages: string[] }> {
  await ssh.run(security);
  const [told, packages] = [await ssh.run(security), await ssh.run(packageCheck)];
  return { security: linesOf(told), packages: linesOf(packages) };
}

/** Tells the host to reboot. The connection may be gone before the command has ended. */
async function goesDown({ ssh }: Stage): Promise<void> {
  try {
    await ssh.run(reboot);
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error;
  }
  await ssh.disconnect();
}
