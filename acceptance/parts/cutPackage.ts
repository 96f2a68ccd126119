/** A pkg_add(1) that is killed half-way. */
import { setTimeout as sleep } from "node:timers/promises";
import { killPkgAdd } from "../host/commands";
import { type Check, expectSame, NotSeen, type Part } from "../suite";

/** Files of the package that come early, in the middle, and late. */
const MOMENTS = [
  "/usr/local/sbin/postconf",
  "/usr/local/libexec/postfix/smtpd",
  "/usr/local/share/doc/postfix/html/postconf.5.html",
];

const cut: Check = {
  name: "cut-package",
  law: "after a pkg_add that was killed, one more up ends right, and destroy leaves nothing",
  run: async (stage) => {
    const { stack, ssh } = stage;
    stage.write({ steps: ["package", "docs"] });
    const seen: string[] = [];
    for (const moment of MOMENTS) {
      const [killed] = await Promise.all([ssh.run(killPkgAdd, moment), interrupted(stage)]);
      seen.push(killed.trim());
      await stack.up({ refresh: true });
      await stack.expectNoDrift();
      await stack.destroy();
      await expectSame(stage.bare, ssh);
    }
    const hits = seen.filter((word) => word === "killed").length;
    if (hits === 0) throw new NotSeen(`pkg_add was never caught at work: ${seen.join(", ")}`);
    return `killed ${hits} times of ${MOMENTS.length}`;
  },
};

/** An up that may fail: its pkg_add is killed while it works. */
async function interrupted({ stack }: Parameters<Check["run"]>[0]): Promise<void> {
  // The killer waits on the host already.
  await sleep(500);
  await stack.tryUp();
}

export const cutPackage: Part = {
  name: "cut",
  title: "A package that came half-way",
  short: false,
  without: ({ occupants }) =>
    occupants.length > 0 ? "the host has a Postfix of its own" : undefined,
  checks: [cut],
};
