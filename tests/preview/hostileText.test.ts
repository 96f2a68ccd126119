/** What others have written, on the host or in the mail log, reaches neither the terminal nor the engine raw. */
import { startHost, type TestHost } from "../../testing";
import type { Ran } from "../../tools/pulumi-cli/run";
import { connectionTo, installPostfix, packageOf, sh } from "./server";
import { Project } from "./stack";

/** A directive of the engine that no engine knows, what sets a terminal's title, and what turns the writing around. */
const HOSTILE = "<{%x%}>\u001b]0;owned\u0007\u202egnp.exe";
const ESCAPED = String.raw`\x3c{%x%}>\x1b]0;owned\x07\u202egnp.exe`;

function everythingOf({ stdout, stderr }: Ran): string {
  return `${stdout}\n${stderr}`;
}

/** The engine colours what changed in a value, letter by letter; JSON doubles a backslash and has an escape for ">". */
function plain(text: string): string {
  return text
    .replace(/\u001b\[[0-9;]*m/g, "")
    .replaceAll("\\\\", "\\")
    .replaceAll("\\u003e", ">");
}

function expectHarmless(ran: Ran): void {
  const text = everythingOf(ran);
  expect(text).not.toContain("panic:");
  expect(text).not.toContain("Unrecognized color");
  expect(text).not.toContain("\u001b]0;");
  expect(text).not.toContain("\u202e");
}

let host: TestHost;
let project: Project;

const looks = (...args: string[]): readonly (readonly [string, () => Promise<Ran>])[] => [
  ["colours", () => project.colored(...args)],
  ["no colours", () => project.text(...args)],
  ["colours and --diff", () => project.colored(...args, "--diff")],
  ["no colours and --diff", () => project.text(...args, "--diff")],
];

describe("a value on the host", () => {
  const ways = ["an alias", "a variable of rc.conf.local"];
  const programFor = (connection: object): string => `
const { Aliases, RcConfLocal } = require("pulumi-openbsd-postfix");
const connection = ${JSON.stringify(connection)};
new Aliases("aliases", { connection, file: "/etc/mail/aliases", entries: { root: ["alice"] } });
new RcConfLocal("rc", { connection, boot: "unchanged", variables: { ntpd_flags: "-s" } });`;

  beforeAll(async () => {
    host = await startHost();
    await installPostfix(host);
    project = await Project.create({ program: programFor(connectionTo(host)) });
    await project.text("up", "--yes", "--skip-preview");
    await host.exec(["/bin/sh", "-c", "cat > /etc/rc.conf.local"], {
      stdin: `ntpd_flags="${HOSTILE}"\n`,
    });
    const aliases = await sh(host, "grep -v '^root:' /etc/mail/aliases");
    await host.exec(["/bin/sh", "-c", "cat > /etc/mail/aliases"], {
      stdin: `${aliases}root: "|echo <{%x%}>"\n# ${HOSTILE}\n`,
    });
  });
  afterAll(async () => {
    project.remove();
    await host.stop();
  });

  test.each(["colours", "no colours", "colours and --diff", "no colours and --diff"])(
    `${ways.join(" and ")} in a preview with drift, with %s`,
    async (name) => {
      const ran = await looks("preview", "--refresh").find(([one]) => one === name)?.[1]();
      expectHarmless(ran as Ran);
      expect(plain(everythingOf(ran as Ran))).toContain(ESCAPED);
    },
  );

  test.each(["colours", "no colours"])("in a refresh with --diff, with %s", async (name) => {
    const args = ["refresh", "--preview-only", "--diff"];
    const ran = await (name === "colours" ? project.colored(...args) : project.text(...args));
    expectHarmless(ran);
    expect(plain(everythingOf(ran))).toContain(ESCAPED);
  });

  test("in --json", async () => {
    const ran = await project.colored("preview", "--refresh", "--json");
    expectHarmless(ran);
    expect(plain(everythingOf(ran))).toContain(ESCAPED);
    expect(() => JSON.parse(ran.stdout) as unknown).not.toThrow();
  });

  test("an up puts the wanted values back, and a destroy with such values in the state ends", async () => {
    const ran = await project.colored("up", "--yes", "--refresh", "--diff");
    expectHarmless(ran);
    expect(await sh(host, "cat /etc/rc.conf.local")).toBe('ntpd_flags="-s"\n');
    const destroyed = await project.colored("destroy", "--yes", "--refresh", "--diff");
    expectHarmless(destroyed);
    expect(destroyed.code === 0 ? "" : everythingOf(destroyed)).toBe("");
  });
});

describe("the mail log", () => {
  /** A client that says EHLO with a directive in it and a sender that Postfix refuses, again and again. */
  const STRANGER = `perl -MIO::Socket::INET -e '
    exit if fork;
    close $_ for *STDIN, *STDOUT, *STDERR;
    $0 = "stranger";
    for (1 .. 300) {
      if (my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 2)) {
        local $SIG{ALRM} = sub { close $s }; alarm 2;
        <$s>; print $s "EHLO <{%x%}>\\r\\n";
        while (<$s>) { last unless /^250-/ }
        print $s "MAIL FROM:<<{%y%}\\@example.net>\\r\\n"; <$s>;
        print $s "MAIL FROM:<>\\r\\n"; <$s>;
        print $s "RCPT TO:<{%z%}\\@elsewhere.example>\\r\\n"; <$s>;
        alarm 0;
      }
      select undef, undef, undef, 0.2;
    }'`;
  const programFor = (to: TestHost, parameters: object): string => `
const { PostfixServer } = require("pulumi-openbsd-postfix");
new PostfixServer("mx", {
  connection: ${JSON.stringify(connectionTo(to))},
  package: ${JSON.stringify(packageOf(to.release))},
  chrootResolv: false,
  mainCf: { parameters: ${JSON.stringify({ myhostname: "mx.example.org", mydestination: "mx.example.org", ...parameters })} },
});`;

  beforeAll(async () => {
    host = await startHost();
    project = await Project.create({ program: programFor(host, {}) });
    await project.text("up", "--yes", "--skip-preview");
  });
  afterAll(async () => {
    project.remove();
    await host.stop();
  });

  test.each(["no colours", "colours and --diff"])(
    "an error that quotes what a client said, with %s",
    async (name) => {
      await sh(host, STRANGER);
      // smtpd ends at every client, because nobody answers at the socket: the error quotes the mail log.
      project.write(
        programFor(host, {
          smtpd_sasl_auth_enable: "yes",
          smtpd_sasl_type: "dovecot",
          smtpd_sasl_path: "private/nobody",
        }),
      );
      const ran = (await looks("up", "--yes", "--skip-preview").find(
        ([one]) => one === name,
      )?.[1]()) as Ran;
      await sh(host, "pkill -f '^perl: stranger' || true");
      expectHarmless(ran);
      expect(ran.code).not.toBe(0);
      // Which lines are in the log by then is a matter of time; those of the stranger are there.
      expect(everythingOf(ran)).toMatch(/postfix\/smtpd\[\d+\]: /);
      await project.text("refresh", "--yes");
    },
  );
});

test("an argument that the engine cannot show is refused in the preview, unless it is a secret", async () => {
  const other = await startHost();
  const programFor = (value: string): string => `
const pulumi = require("@pulumi/pulumi");
const { RcConfLocal } = require("pulumi-openbsd-postfix");
new RcConfLocal("rc", {
  connection: ${JSON.stringify(connectionTo(other))}, boot: "unchanged", variables: { ntpd_flags: ${value} },
});`;
  const made = await Project.create({ program: programFor('"<{%x%}>"') });
  try {
    const refused = await made.colored("preview", "--diff");
    expectHarmless(refused);
    expect(refused.code).not.toBe(0);
    expect(plain(everythingOf(refused))).toContain(
      'variables.ntpd_flags: holds "\\x3c{%", which Pulumi takes for a directive about colours',
    );
    made.write(programFor('pulumi.secret("<{%x%}>")'));
    const secret = await made.colored("up", "--yes", "--diff");
    expectHarmless(secret);
    expect(await sh(other, "cat /etc/rc.conf.local")).toContain("<{%x%}>");
    expect((await made.colored("destroy", "--yes", "--diff")).code).toBe(0);
  } finally {
    made.remove();
    await other.stop();
  }
});
