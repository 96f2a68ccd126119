/** The test host against the facts about OpenBSD: the oldest release and the newest. */
import { startHost } from "../../testing";
import { overSsh, tell } from "./fidelity/run";

tell((release) => release === "4.7" || release === "7.8");

describe.each([
  ["7.8", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/X11R6/bin:/usr/local/bin:/usr/local/sbin"],
  ["4.7", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/X11R6/bin:/usr/local/bin"],
] as const)("OpenBSD %s, over SSH", (release, path) => {
  test("11: a command gets login.conf's PATH, base before /usr/local, and no profile", async () => {
    const host = await startHost({ release });
    try {
      expect(await overSsh(host, "echo $PATH")).toBe(`${path}\n`);
    } finally {
      await host.stop();
    }
  });

  test("11: a command of root may open 128 files, and raise that to 1024", async () => {
    const host = await startHost({ release });
    try {
      expect(await overSsh(host, "ulimit -Sn; ulimit -Hn")).toBe("128\n1024\n");
    } finally {
      await host.stop();
    }
  });
});
