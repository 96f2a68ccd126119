/** Somebody edits a file between the preview of an `up` and its update, with the real CLI. */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHost, type TestHost } from "../../testing";
import { installPostfix, sh } from "./server";
import { Projects, pulumi, refused } from "./ways";

const FILE = "/etc/rc.conf.local";

/** The program edits the file itself, when it runs for the update. */
const edit = (line: string): string => `
if (!pulumi.runtime.isDryRun()) {
  const { host, port, user, privateKeyPath } = connections[0];
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"].flatMap((one) => ["-o", one]);
  const command = "grep -q ${line} ${FILE} || echo ${line} >> ${FILE}";
  require("child_process").execFileSync("ssh", [...options, "-i", privateKeyPath, "-p", String(port), user + "@" + host, command]);
}
`;

let host: TestHost;
const projects = new Projects(() => [host]);
const contents = (): Promise<string> => sh(host, `cat ${FILE}`);
/** What previews have left for the updates of their runs. */
const leftovers = (): string[] =>
  readdirSync(join(tmpdir(), `pulumi-openbsd-postfix-${String(process.getuid?.() ?? "")}`));

beforeAll(async () => {
  host = await startHost();
  await installPostfix(host);
  await sh(host, `echo '# mine' > ${FILE}`);
});
afterAll(() => host.stop());
afterEach(() => {
  projects.remove();
});

test("what the preview did not show is not written: the update shows what was seen, what is there and what would be written", async () => {
  const body = `rc("one", { ntpd_flags: "-s" });`;
  const project = await projects.of(edit("apmd_flags=-A") + body);
  const said = await refused(project, "up", "--yes");
  expect(said).toMatch(
    /was changed after the preview\. The preview showed\n[^]*# mine\n\s*\+ntpd_flags="-s"\n\s*and with/,
  );
  expect(said).toMatch(
    /the file as it is now that would be\n[^]*# mine\n\s*apmd_flags=-A\n\s*\+ntpd_flags="-s"\n\s*Nothing was changed on the host by this\. Run `pulumi up` again/,
  );
  expect(await contents()).toBe("# mine\napmd_flags=-A\n");
  await pulumi(project, "up", "--yes");
  expect(await contents()).toBe('# mine\napmd_flags=-A\nntpd_flags="-s"\n');
  // An edit that the preview has seen is drift like any other, and without an edit nothing is said.
  await sh(host, `echo '# theirs' >> ${FILE}`);
  projects.rewrite(project, `rc("one", { ntpd_flags: "-v" });`);
  expect(await pulumi(project, "up", "--yes")).not.toContain("changed after the preview");
  expect(await contents()).toBe('# mine\napmd_flags=-A\nntpd_flags="-v"\n# theirs\n');
  expect(leftovers()).toEqual([]);
  await pulumi(project, "destroy", "--yes", "--skip-preview");
});

test("where an action of an earlier step may have been the one to change the file, it is written, and said", async () => {
  const body = `const first = alias("webmaster", "root");
rc("one", { ntpd_flags: "-x" }, (index) => ({ dependsOn: [first[index]] }));`;
  const project = await projects.of(edit("sensorsd_flags=-c") + body);
  const said = await pulumi(project, "up", "--yes");
  expect(said).toContain(`${FILE} was changed after the preview. The preview showed`);
  expect(said).toContain("an action of an earlier step may have been the one to change it");
  expect(await contents()).toContain('ntpd_flags="-x"');
  await pulumi(project, "destroy", "--yes", "--skip-preview");
  expect(await contents()).toContain("sensorsd_flags=-c");
});
