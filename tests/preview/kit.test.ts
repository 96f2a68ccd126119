/** The kit for preview-based tests: a program previewed against a test host, its plan and its diffs as data. */
import { MainCf, RcConfLocal } from "../../components";
import { diffTrees, previewOn, ProgramOnHost, startHost, type TestHost } from "../../testing";
import { sh } from "./server";
import { RELEASES } from "./server";
import { ownCommand } from "./stack";

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost({ release });
  });
  afterAll(() => host.stop());

  test("a program's steps come back with what each would change, and nothing is changed", async () => {
    const before = await host.snapshot();
    const preview = await previewOn(
      host,
      (connection) => {
        new RcConfLocal("rc", {
          connection,
          boot: "unchanged",
          logSocket: false,
          variables: { ntpd_flags: "-s" },
        });
      },
      await ownCommand(),
    );
    expect(preview.ok).toBe(true);
    expect(preview.steps.map(({ name }) => name)).toEqual(["rc"]);
    const step = preview.step("rc");
    expect(step).toMatchObject({ kind: "RcConfLocal", op: "create", before: undefined });
    expect(step.after).toMatchObject({ variables: { ntpd_flags: "-s" }, release });
    expect(step.shown).toMatch(/^\+ntpd_flags="?-s"?$/m);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    expect(() => preview.step("main")).toThrow(/there is no step main.*there are: rc/);
  });

  test("a stack that has state shows updates and drift by property, and destroy gives the host back", async () => {
    const before = await host.snapshot();
    let wanted = "-A";
    const program = await ProgramOnHost.make(
      host,
      (connection) => {
        const variables = { apmd_flags: wanted };
        new RcConfLocal("rc", { connection, boot: "unchanged", logSocket: false, variables });
      },
      await ownCommand(),
    );
    try {
      expect((await program.up()).step("rc").op).toBe("create");
      expect((await program.preview({ refresh: true })).step("rc").op).toBe("same");
      await sh(host, "echo apmd_flags=-H > /etc/rc.conf.local");
      wanted = "-C";
      const step = (await program.preview({ refresh: true })).step("rc");
      expect(step).toMatchObject({
        op: "update",
        diffs: ["variables.apmd_flags"],
        before: { variables: { apmd_flags: "-H" } },
        after: { variables: { apmd_flags: "-C" } },
      });
      expect(step.after).not.toHaveProperty("__provider");
      expect(step.shown).toMatch(/^-apmd_flags=-H\n\+apmd_flags="?-C"?$/m);
      expect((await program.up({ refresh: true })).ok).toBe(true);
      expect((await program.destroy()).step("rc").op).toBe("delete");
      expect(diffTrees(before, await host.snapshot())).toEqual([]);
    } finally {
      program.remove();
    }
  });

  test("a program that is refused is an answer with the reason, not an exception", async () => {
    const preview = await previewOn(
      host,
      (connection) => {
        new MainCf("main", { connection, parameters: { myhostname: "a\nb" } });
      },
      await ownCommand(),
    );
    expect(preview.ok).toBe(false);
    expect(preview.printed).toContain("parameters.myhostname");
  });
});
