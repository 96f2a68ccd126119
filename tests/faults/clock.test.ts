/** Clocks that jump, on the host and here: no decision depends on one. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Sandbox } from "../unit/host/localAgent";
import { connectionTo, sh } from "../preview/server";
import { create, differs, inputsOf, refresh, remove, update } from "../host/provider";
import { World } from "./world";

/** A module for Perl: each look at the clock is a day before or after the one before it. */
const JUMP = `package Jump;
use strict; use warnings;
my $looks = 0;
sub off { return $looks++ % 2 ? 86_400 : -86_400 }
BEGIN {
  require Time::HiRes;
  no warnings "redefine";
  *CORE::GLOBAL::time = sub () { CORE::time() + off() };
  my $fine = \\&Time::HiRes::time;
  *Time::HiRes::time = sub () { $fine->() + off() };
}
1;
`;

describe("F32: a clock that jumps by a day, forwards and backwards", () => {
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
    mkdirSync(box.in("lib"));
    writeFileSync(box.in("lib", "Jump.pm"), JUMP);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await box.clean();
  });

  const jumpsHere = (): void => {
    let looks = 0;
    const now = Date.now.bind(Date);
    jest
      .spyOn(Date, "now")
      .mockImplementation(() => now() + (looks++ % 2 ? 86_400_000 : -86_400_000));
  };

  test.each(["on the host", "here", "on both"])(
    "F32: a clock that jumps %s delays nothing, and ends nothing too early",
    async (where) => {
      const prelude = where === "here" ? "true" : `export PERL5OPT="-I${box.in("lib")} -MJump"`;
      if (where !== "on the host") jumpsHere();
      const { client } = await box.agent({}, prelude);
      const ran = await client.change("a test", async (host) => {
        await host.write({ path: box.in("file"), contents: "new", expect: { absent: true } });
        const slow = await host.run({
          argv: ["/bin/sh", "-c", "sleep 1; echo done"],
          timeoutMs: 60_000,
        });
        const stuck = await host.run({ argv: ["/bin/sleep", "600"], timeoutMs: 500 });
        return { slow, stuck };
      });
      expect(readFileSync(box.in("file"), "utf8")).toBe("new");
      expect(ran.slow).toMatchObject({ exitCode: 0, stdout: "done\n", timedOut: false });
      expect(ran.stuck.timedOut).toBe(true);
    },
  );
});

test("F32: files of the future are read by what is in them: nothing to do, and what differs is put right", async () => {
  const world = await World.start("7.8");
  try {
    const news = (target: string): Record<string, unknown> =>
      inputsOf("Aliases", { entries: { webmaster: [target] } }, connectionTo(world.host));
    const ask = "/usr/local/sbin/postalias -q webmaster hash:/etc/postfix/aliases";
    const made = await create("Aliases", news("alice"));
    // The text is of next year; then the database is.
    for (const [file, target] of [
      ["aliases", "bob"],
      ["aliases.db", "carol"],
    ] as const) {
      await sh(
        world.host,
        `perl -e 'my $t = time + 31536000; utime $t, $t, "/etc/postfix/${file}"'`,
      );
      await refresh(made);
      expect(await differs(made, made.news)).toBe(false);
      const before = await world.digest();
      await update(made, made.news);
      expect(await world.digest()).toBe(before);
      await update(made, news(target));
      expect(await sh(world.host, ask)).toBe(`${target}\n`);
      await update(made, made.news);
    }
    await remove(made);
    expect(await world.left()).toEqual([]);
  } finally {
    await world.stop();
  }
});
