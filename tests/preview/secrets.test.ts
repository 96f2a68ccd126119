/**
 * Canaries: secrets are planted wherever one can be given, and after everything that can be run, failed runs and debug
 * logs included, they are searched for everywhere.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { generateSshKey, startHost, type TestHost } from "../../testing";
import { connectionTo, packageOf, RELEASES, sh } from "./server";
import { Project } from "./stack";
import { pulumi, refused } from "./ways";

const CANARIES: Record<string, string> = {
  relayhost: "[canary-relay-71f3.example.org]",
  alias: "canary-alias-52ab@example.org",
  recipient: "alice+canary-rcpt-90c1",
  password: "canary-password-33de",
};
const DRIFTED = "[canary-drift-18aa.example.org]";

/** Files on the host that must hold a secret, or that Postfix itself writes it to. */
const HOLDERS = [
  /^\/etc\/postfix\/(main\.cf|aliases(\.db)?)$/,
  /^\/var\/db\/pulumi-openbsd-postfix\/record\.json$/,
  /^\/var\/(log|mail)\//,
];

/** At -v9 the engine writes every value that travels between it and a program or a provider, whosever they are. */
const WIRE =
  /^.*"msg":"(Unm|M)arshaling property for RPC.*$|^.*"msg":"(RegisterResource RPC finished|eventSink::Debug).*$/gm;

function program(hosts: readonly TestHost[]): string {
  const given = hosts.map((host, index) => {
    const { privateKeyPath, ...connection } = connectionTo(host);
    const key = index === 0 ? { privateKeyPath } : {};
    return { connection: { ...connection, ...key }, package: packageOf(host.release) };
  });
  return `
const pulumi = require("@pulumi/pulumi");
const { PostfixServer } = require("pulumi-openbsd-postfix");
const secret = (name) => new pulumi.Config().requireSecret(name);
${JSON.stringify(given)}.forEach(({ connection, package }, index) =>
  new PostfixServer("mx" + index, {
    connection: { ...connection, ...(index === 0 ? {} : { privateKey: secret("privateKey") }), password: secret("password") },
    package,
    mainCf: { parameters: { myhostname: "myhost.example.org", recipient_delimiter: "+", relayhost: secret("relayhost") } },
    aliases: { entries: { root: ["alice"], webmaster: [secret("alias")] } },
    mailCheck: { recipient: secret("recipient") },
  }));`;
}

/** Every file below a folder, as one text. */
function contentsBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.name}\n${readFileSync(join(entry.parentPath, entry.name), "latin1")}`)
    .join("\n");
}

/** Looks at what runs on the hosts and here until it is stopped: argument lists and environments. */
function watchProcesses(hosts: readonly TestHost[]): () => Promise<string> {
  let seen = "";
  let stopped = false;
  const look = async (): Promise<void> => {
    while (!stopped) {
      for (const host of hosts)
        seen += await sh(host, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null || true");
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
        try {
          // The program's process is the engine's: it gives it the stack's configuration by the environment.
          const command = readFileSync(`/proc/${pid}/cmdline`, "latin1");
          if (command.includes("dynamic-provider"))
            seen += command + readFileSync(`/proc/${pid}/environ`, "latin1");
        } catch {
          // It has ended.
        }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const looking = look();
  return async () => {
    stopped = true;
    await looking;
    return seen;
  };
}

test("no secret is found outside the files that must hold it, after all that can be run", async () => {
  const hosts = await Promise.all(RELEASES.map((release) => startHost({ release })));
  const key = await generateSshKey("ed25519");
  for (const host of hosts)
    await host.exec(["/bin/sh", "-c", "cat >> /root/.ssh/authorized_keys"], {
      stdin: `${key.public}\n`,
    });
  const keyInFile = readFileSync(hosts[0]?.privateKeyPath ?? "", "utf8").split("\n")[2] ?? "";
  const secrets = { ...CANARIES, privateKey: key.private };
  const planted = [...Object.values(CANARIES), DRIFTED, key.private.split("\n")[2] ?? ""];
  const project = await Project.create({
    program: program(hosts),
    secrets,
    environment: { SSH_AUTH_SOCK: "", HOME: "/nonexistent" },
  });
  const printed: Record<string, string> = {};
  const states: Record<string, string> = {};
  const found = (where: string, text: string): string[] =>
    planted.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${where}`);
  const note = (what: string, output: string): void => {
    printed[what] = output;
    states[`the state after ${what}`] = contentsBelow(join(project.folder, "state"));
  };

  note("the first preview", await pulumi(project, "preview", "--diff"));
  const processes = watchProcesses(hosts);
  let ran: string;
  try {
    const debugged = ["--diff", "-v=9", "--logtostderr"];
    const log = await pulumi(project, "up", "--yes", "--skip-preview", ...debugged);
    expect(log).toMatch(WIRE);
    note("up with -v9", log.replace(WIRE, ""));
    // What is not given inline does not travel, and is not even there.
    expect(log).not.toContain(keyInFile);
  } finally {
    ran = await processes();
  }
  expect(ran).toContain("/usr/local/libexec/postfix/");
  await pulumi(project, "preview", "--refresh", "--expect-no-changes");

  for (const host of hosts)
    await sh(host, `sed -i 's/^relayhost.*/relayhost = ${DRIFTED}/' /etc/postfix/main.cf`);
  note("the preview of a drift", await pulumi(project, "preview", "--refresh", "--diff"));
  note("a refresh", await pulumi(project, "refresh", "--yes", "--skip-preview", "--diff"));
  note("the preview after it", await pulumi(project, "preview", "--diff"));

  for (const host of hosts)
    await sh(
      host,
      'cd /usr/local/sbin && mv postalias postalias.real && printf \'#!/bin/sh\\ncase " $* " in *" -s "*) exec /usr/local/sbin/postalias.real "$@";; esac\\ncat /etc/postfix/aliases >&2; exit 1\\n\' > postalias && chmod 755 postalias',
    );
  const changed = "canary-alias-changed-44@example.org";
  planted.push(changed);
  await project.stack.setConfig("alias", { value: changed, secret: true });
  note("a failed up", await refused(project, "up", "--yes", "--skip-preview", "--diff"));
  for (const host of hosts) await sh(host, "cd /usr/local/sbin && mv postalias.real postalias");
  note("the up after it", await pulumi(project, "up", "--yes", "--skip-preview", "--diff"));

  const files: string[] = [];
  for (const host of hosts)
    for (const secret of planted) {
      const { stdout } = await host.exec([
        ...["grep", "-rlF", "--devices=skip", "-e", secret],
        ...["/etc", "/var", "/tmp", "/root", "/home", "/usr/local/sbin", "/usr/local/share"],
      ]);
      files.push(...stdout.split("\n").filter((file) => file !== ""));
    }
  const elsewhere = files.filter((file) => !HOLDERS.some((holder) => holder.test(file)));
  note("destroy", await pulumi(project, "destroy", "--yes", "--skip-preview", "--diff"));

  expect({
    printed: Object.entries(printed).flatMap(([what, text]) => found(what, text)),
    states: Object.entries(states).flatMap(([what, text]) => found(what, text)),
    processes: found("a process", ran),
    elsewhere,
  }).toEqual({ printed: [], states: [], processes: [], elsewhere: [] });
  // The search itself sees: what must hold a secret was found to hold it.
  expect(files).toContain("/etc/postfix/main.cf");
  // And what was searched was there: a diff of a secret is shown as one.
  expect(printed["the preview of a drift"]).toContain("[secret]");
  for (const host of hosts) await host.stop();
  project.remove();
});
