/** Ansible, by itself and with Mitogen, on hosts that have Python: with the same files and the same service. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestHost } from "../../testing";
import type { Contender } from "./contender";
import { withPython } from "./installed";
import { copyManaged } from "./managedFiles";

const ANSIBLE = "2.19.14";
const MITOGEN = "0.3.54";

const SSH = [
  "-F none -o ControlMaster=auto -o ControlPersist=5s",
  "-o GlobalKnownHostsFile=none -o IdentitiesOnly=yes",
].join(" ");

/**
 * The settings that make Ansible quick: it asks nothing of a host but what the tasks need, keeps one connection a host,
 * sends a module through it without a file on the host, and works on all hosts at a time.
 */
function settings(hosts: number, strategy: string): string {
  return [
    "[defaults]",
    ...["inventory = inventory.ini", `forks = ${hosts}`, "gathering = explicit"],
    ...["retry_files_enabled = False", "deprecation_warnings = False", strategy],
    "[ssh_connection]",
    ...["pipelining = True", "control_path_dir = connections", `ssh_args = ${SSH}`],
    "",
  ].join("\n");
}

/** What Ansible's own modules for OpenBSD's packages and services would ask: those modules know no test host. */
const ASKS = ["pkg_info -e 'postfix-*'", "rcctl check postfix"];

async function contender(
  hosts: readonly TestHost[],
  name: string,
  title: string,
  strategy: (folder: string) => string,
): Promise<Contender> {
  const venv = await withPython(`ansible-${ANSIBLE}-mitogen-${MITOGEN}`, [
    `ansible-core==${ANSIBLE}`,
    `mitogen==${MITOGEN}`,
  ]);
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-bench-"));
  const files = await copyManaged(hosts, folder);
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write("ansible.cfg", settings(hosts.length, strategy(venv)));
  const lines = hosts.map(
    ({ host, port, user, privateKeyPath, knownHostsPath }, index) =>
      `host${index} ansible_host=${host} ansible_port=${port} ansible_user=${user} ` +
      `ansible_ssh_private_key_file=${privateKeyPath} ansible_python_interpreter=/usr/local/bin/python3 ` +
      `ansible_ssh_common_args="-o UserKnownHostsFile=${knownHostsPath}"`,
  );
  write("inventory.ini", `${lines.join("\n")}\n`);
  const tasks = [
    ...ASKS.map((command) => ({ "ansible.builtin.command": command, changed_when: false })),
    ...files.map(({ source, path }) => ({
      "ansible.builtin.copy": { src: `${folder}/${source}`, dest: path },
    })),
  ];
  // Every JSON text is also YAML.
  write("playbook.yml", JSON.stringify([{ hosts: "all", gather_facts: false, tasks }]));
  const count = tasks.length;
  const well = new RegExp(`^host\\d+ +: ok=${count} +changed=0 +unreachable=0 +failed=0 `, "gm");
  // No run finds the connections of the one before: the others have none either.
  const script = `rm -rf connections; exec ${join(venv, "bin/ansible-playbook")} playbook.yml`;
  return {
    name,
    title,
    tasks: [
      {
        name: "a real run",
        command: {
          argv: ["/bin/sh", "-c", script],
          cwd: folder,
          env: {
            ANSIBLE_CONFIG: join(folder, "ansible.cfg"),
            ANSIBLE_NOCOLOR: "1",
            LC_ALL: "C.UTF-8",
          },
        },
        fault: (output) =>
          output.match(well)?.length === hosts.length
            ? undefined
            : "something was changed or failed",
      },
    ],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Ansible as it comes, with the settings that make it quick. */
export function ansible(hosts: readonly TestHost[]): Promise<Contender> {
  return contender(hosts, "ansible", `ansible-core ${ANSIBLE}, with pipelining`, () => "");
}

/** Ansible with Mitogen, which keeps a Python on each host that all tasks are sent to. */
export function mitogen(hosts: readonly TestHost[]): Promise<Contender> {
  return contender(hosts, "mitogen", `ansible-core ${ANSIBLE} with Mitogen ${MITOGEN}`, (venv) => {
    // The folder below it has the name of Python's version.
    const [python = ""] = readdirSync(join(venv, "lib"));
    const plugins = join(venv, "lib", python, "site-packages/ansible_mitogen/plugins/strategy");
    return `strategy_plugins = ${plugins}\nstrategy = mitogen_linear`;
  });
}
