/** Ctrl-C in the middle of a step, once and twice, with the real CLI on a host of each release. */
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { installPostfix, sh } from "./server";
import type { Project } from "./stack";
import { Projects, pulumi } from "./ways";

/** Makes rebuilding a database take so many seconds; asking it is as quick as ever. */
async function slowDown(host: TestHost, seconds: number): Promise<void> {
  await sh(
    host,
    `cd /usr/local/sbin && { [ -e postalias.real ] || mv postalias postalias.real; } && cat > postalias <<'EOF' && chmod 755 postalias
#!/bin/sh
case " $* " in *" -s "*) ;; *) sleep ${seconds};; esac
exec /usr/local/sbin/postalias.real "$@"
EOF`,
  );
}

/** An alias whose database takes long to build, and a step that comes after it. */
const BODY = `
const first = alias("webmaster", "alice");
rc("after", { ntpd_flags: "-s" }, (index) => ({ dependsOn: [first[index]] }));`;

// What ends is the process, whatever the release: each process is tried with one of them.
describe.each([
  ["7.8", "lean"],
  ["4.7", "bundled"],
] as const)("OpenBSD %s, dynamic providers in the %s process", (release, providerProcess) => {
  let host: TestHost;
  let bare: Tree;
  let project: Project;
  const projects = new Projects(() => [host]);
  const rcConfLocal = (): Promise<string> => sh(host, "cat /etc/rc.conf.local 2>/dev/null || true");

  beforeAll(async () => {
    host = await startHost({ release });
    await installPostfix(host);
    await slowDown(host, 6);
    bare = await host.snapshot();
  });
  afterAll(() => host.stop());
  beforeEach(async () => {
    project = await projects.of(BODY, { providerProcess });
  });
  afterEach(() => {
    projects.remove();
  });

  async function comesRight(): Promise<void> {
    await pulumi(project, "up", "--yes", "--skip-preview");
    expect(await rcConfLocal()).toContain("ntpd_flags");
    expect(await sh(host, "/usr/local/sbin/postalias -q webmaster hash:/etc/postfix/aliases")).toBe(
      "alice\n",
    );
    await pulumi(project, "preview", "--refresh", "--expect-no-changes");
    await pulumi(project, "destroy", "--yes", "--skip-preview");
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  }

  test("once: the step that runs is ended and kept, no other is begun, and the next up goes on", async () => {
    const ran = await project.interrupted("rebuild", 1, "up", "--yes", "--skip-preview");
    expect(ran.code).not.toBe(0);
    expect(await rcConfLocal()).toBe("");
    const state = await pulumi(project, "stack", "export");
    expect(state).toContain("dynamic/openbsd:Aliases");
    expect(state).not.toContain('"pending_operations": [');
    await comesRight();
  });

  test("twice: it ends at once, and the next up takes over what was begun", async () => {
    const begin = Date.now();
    const ran = await project.interrupted("rebuild", 2, "up", "--yes", "--skip-preview");
    expect(ran.code).not.toBe(0);
    process.stderr.write(
      `Ctrl-C twice ended it after ${Date.now() - begin} ms\n${ran.stdout}${ran.stderr}`,
    );
    expect(await rcConfLocal()).toBe("");
    await comesRight();
  });
});
