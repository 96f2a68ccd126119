/** The kit for preview-based tests: a program previewed against a test host, its plan and its diffs as data. */
import { MainCf, RcConfLocal } from "../../components";
import { diffTrees, previewOn, startHost, type TestHost } from "../../testing";
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
