/** What a person reads: the first preview, the diff of a change, drift, and a host that is gone. */
import { startHost, type TestHost } from "../../testing";
import { expectGolden, shown } from "./golden";
import { connectionTo, packageOf, RELEASES, sh } from "./server";
import { Project } from "./stack";
import { pulumi } from "./ways";

/** A server whose steps are one chain, so that they are shown in one order. */
function program(
  host: TestHost,
  {
    relayhost = "relay-1.example.org",
    root = "alice",
    connection = {},
  }: { relayhost?: string; root?: string; connection?: Record<string, unknown> } = {},
): string {
  return `
const pulumi = require("@pulumi/pulumi");
const { PostfixServer } = require("pulumi-openbsd-postfix");
new PostfixServer("mx", {
  connection: ${JSON.stringify({ ...connectionTo(host), dialErrorLimit: 1, ...connection })},
  package: ${JSON.stringify(packageOf(host.release))},
  chrootResolv: false,
  mainCf: { parameters: { myhostname: "myhost.example.org", relayhost: pulumi.secret("[${relayhost}]"), message_size_limit: "10240000" } },
  aliases: { entries: { root: ["${root}"], postmaster: ["root"] } },
});`;
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let project: Project;

  beforeAll(async () => {
    host = await startHost({ release });
    project = await Project.create({ program: program(host), providerProcess: "bundled" });
  });
  afterAll(() => {
    project.remove();
  });

  const see = async (...args: string[]): Promise<string> =>
    shown(await project.text(...args, "--parallel", "1"), [host]);
  const golden = (name: string, text: string): void => expectGolden(`${release}-${name}`, text);

  test("the first preview shows the host, under each step", async () => {
    golden("first-preview", await see("preview"));
  });

  test("with --diff, also every input that a step fills in by itself", async () => {
    golden("first-preview-diff", await see("preview", "--diff"));
  });

  test("a change is shown by the lines that change, on the host and in the program", async () => {
    await pulumi(project, "up", "--yes", "--skip-preview");
    project.write(program(host, { relayhost: "relay-2.example.org", root: "bob" }));
    golden("change", await see("preview", "--diff"));
  });

  test("another way to the host is an update of the connection and of nothing on the host", async () => {
    project.write(program(host, { connection: { perDialTimeout: 9 } }));
    golden("connection", await see("preview", "--diff"));
    project.write(program(host));
  });

  test("drift is shown by property, in a refresh and in a preview with refresh", async () => {
    await sh(
      host,
      `sed -i 's/^message_size_limit.*/message_size_limit = 1/; s/^relayhost.*/relayhost = [drifted.example.org]/' /etc/postfix/main.cf
sed -i '/^postmaster:/d' /etc/postfix/aliases
/usr/local/sbin/postfix stop || true`,
    );
    golden("drift-refresh", await see("refresh", "--preview-only", "--diff"));
    golden("drift", await see("preview", "--refresh", "--diff"));
  });

  test("nothing is shown when nothing changed", async () => {
    await pulumi(project, "up", "--yes", "--skip-preview", "--refresh");
    golden("nothing", await see("preview", "--refresh", "--diff"));
  });

  test("a host that is gone is told once, with the ways out", async () => {
    await host.stop();
    golden("gone", await see("preview", "--refresh"));
  });
});
