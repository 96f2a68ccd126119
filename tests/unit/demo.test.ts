/** What the demo shows of the CLI's output, and what it takes for seen. */
import { breakages, diffAt, expectedPreview, missingIn } from "../../tools/demo/host";
import { OutputFilter } from "../../tools/demo/output";
import { configText } from "../../tools/demo/program";

const component = "openbsd-postfix:index:MainCf mx-main-cf";
const resource = "pulumi-nodejs:dynamic/openbsd:MainCf mx-main-cf";
const message = "root@127.0.0.1:22: write /etc/postfix/main.cf";

function shown(...lines: string[]): string[] {
  const filter = new OutputFilter();
  return lines.filter((line) => filter.keeps(line));
}

test.each([
  ` ~  ${resource} refreshing (0s) `,
  ` ~  ${resource} refresh (0.52s) `,
  ` ~  ${resource} refreshing `,
  `    ${component}  `,
  "    pulumi:pulumi:Stack demo-demo running ",
  ` +  ${resource} creating (0s) `,
  ` +  ${component} create root@127.0.0.1:22 (OpenBSD 7.8): up will`,
  ` +  ${component} create root@127.0.0.1:22 (OpenBSD 7.8): nothing to change.`,
  `\u001b[32m ~  \u001b[0m${resource} \u001b[33mrefreshing (0s)\u001b[0m `,
])("a line that says that nothing has happened is left out: %j", (line) => {
  expect(shown(line)).toEqual([]);
});

test.each([
  ` +  ${resource} created (2s) `,
  ` -  ${resource} deleted (0.05s) `,
  ` +  ${resource} create `,
  ` ~  ${resource} refresh (0.42s) [diff: ~parameters]`,
  ` ~  ${resource} updating (0s) [diff: ~parameters]`,
  ` +  ${component} creating (1s) ${message}`,
  ` ~  ${component} refresh (0.00s) ${message}`,
  `    ${component}  ${message}`,
  ` +  ${component} creating (1s) error: ${message} failed`,
  `    ${component}  warning: something`,
  "Diagnostics:",
  "Resources:",
  "    22 unchanged",
  "    + 22 created",
  `    ${message.slice(0, 18)} (OpenBSD 7.8): up will`,
  "    +myhostname = mx.example.org",
  "error: no changes were expected but changes were proposed",
  "",
])("a line that says anything else is shown: %j", (line) => {
  expect(shown(line)).toEqual([line]);
});

test("a message that the CLI repeats is shown once, and again after another one", () => {
  const first = ` +  ${component} creating (0s) ${message}`;
  const again = ` +  ${component} created (1s) ${message}`;
  const other = ` +  ${component} creating (1s) root@127.0.0.1:22: reload`;
  expect(shown(first, again, other, again)).toEqual([first, other, again]);
});

test("a text counts only under its own component", () => {
  const printed = [
    "Diagnostics:",
    "  openbsd-postfix:index:MainCf (mx-main-cf):",
    "    root@127.0.0.1:22 (OpenBSD 7.8): up will",
    "    +myhostname = mx.example.org",
    "",
    "  openbsd-postfix:index:PostfixPackage (mx-package):",
    "    install postfix-3.7.11",
  ].join("\n");
  const expected = { "mx-main-cf": ["+myhostname"], "mx-package": ["install postfix-"] };
  expect(missingIn(printed, expected)).toEqual([]);
  expect(missingIn(printed, { "mx-package": ["+myhostname"], "mx-aliases": ["+root"] })).toEqual([
    "+myhostname (mx-package)",
    "+root (mx-aliases)",
  ]);
});

test("an empty output shows nothing of what is expected", () => {
  const expected = expectedPreview("4.7");
  expect(missingIn("", expected)).toHaveLength(Object.values(expected).flat().length);
});

test("a change counts as shown by the line of its diff, together with the line that replaces it", () => {
  const [first] = breakages("7.8");
  const diff = ["-myhostname = wrong.example.org", "+myhostname = mx.example.org"];
  const printed = ["@@ -1,2 +1,2 @@", ...diff, " myorigin = $mydomain"];
  expect(diffAt(printed, first?.shown ?? /$^/)).toBe(diff.join("\n"));
  expect(diffAt(["-nameserver 192.0.2.99", " lookup file"], /^-nameserver/)).toBe(
    "-nameserver 192.0.2.99",
  );
  expect(diffAt([" myhostname = wrong.example.org"], first?.shown ?? /^/)).toBeUndefined();
});

test.each(["7.8", "4.7"] as const)(
  "three things are broken on %s, each in its own way",
  (release) => {
    const broken = breakages(release);
    expect(broken).toHaveLength(3);
    for (const field of ["command", "component"] as const)
      expect(new Set(broken.map((one) => one[field])).size).toBe(3);
  },
);

test("the stack's configuration has the connection under the program's key", () => {
  const connection = {
    host: "127.0.0.1",
    port: 2222,
    user: "root",
    privateKeyPath: "/tmp/key",
    hostKey: "ssh-ed25519 AAAA",
  };
  expect(configText(connection)).toBe(
    "config:\n  demo:connection:\n    host: 127.0.0.1\n    port: 2222\n    user: root\n    privateKeyPath: /tmp/key\n    hostKey: ssh-ed25519 AAAA\n",
  );
});
