/** What ssh(1) and a shell take for the same look: the limit, and the way of scripts that log in for each step. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestHost } from "../../testing";
import type { Contender } from "./contender";

/** What a look at a mail server reads, a step at a time. */
const LOOKS = [
  "pkg_info -e 'postfix-*'",
  "cat /etc/mailer.conf",
  "cat /etc/postfix/main.cf; postconf -n",
  "cat /etc/postfix/master.cf",
  "cat /etc/postfix/aliases; postalias -s /etc/postfix/aliases | sort",
  "cat /etc/rc.conf.local; rcctl get postfix",
  "crontab -l",
  "ls -l /var/spool/postfix/etc; cat /var/spool/postfix/etc/resolv.conf",
  "ps -axo user,pid,command",
  "postfix check",
];

function sshTo({ host, port, user, privateKeyPath, knownHostsPath }: TestHost): string {
  return (
    `ssh -F none -o BatchMode=yes -o UserKnownHostsFile=${knownHostsPath} -o GlobalKnownHostsFile=none ` +
    `-i ${privateKeyPath} -o IdentitiesOnly=yes -p ${port} ${user}@${host}`
  );
}

/** One shell command for all hosts at the same time. */
function onAll(
  hosts: readonly TestHost[],
  script: (host: TestHost) => string,
): readonly [string, ...string[]] {
  const jobs = hosts.map((host) => `{ ${script(host)}; } >/dev/null 2>&1 & jobs="$jobs $!"`);
  const wait = "for job in $jobs; do wait $job || exit 1; done; echo looked";
  return ["/bin/sh", "-c", `${jobs.join("\n")}\n${wait}`];
}

function contender(
  hosts: readonly TestHost[],
  name: string,
  title: string,
  tasks: Readonly<Record<string, (host: TestHost) => string>>,
): Contender {
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-bench-"));
  return {
    name,
    title,
    tasks: Object.entries(tasks).map(([task, script]) => ({
      name: task,
      command: { argv: onAll(hosts, script), cwd: folder },
      fault: (output) => (output.includes("looked") ? undefined : `it failed: ${output}`),
    })),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** One cold login with one script, on each host: nothing that looks as closely can be quicker. */
export function limit(hosts: readonly TestHost[]): Contender {
  const script = (looks: readonly string[]) => (host: TestHost) =>
    `${sshTo(host)} ${quoted(looks.join("\n"))}`;
  return contender(hosts, "limit", "one login with ssh(1), one script", {
    "a look with postfix check": script(LOOKS),
    "a look without": script(LOOKS.filter((look) => look !== "postfix check")),
  });
}

/** A login for each step, as scripts and resources of the kind `remote.Command` do it. */
export function sshPerStep(hosts: readonly TestHost[]): Contender {
  return contender(hosts, "ssh-per-step", "a login with ssh(1) for each step", {
    "a look": (host) => LOOKS.map((look) => `${sshTo(host)} ${quoted(look)}`).join(" && "),
  });
}
