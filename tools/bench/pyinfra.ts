/** pyinfra, which needs no Python on the hosts, with the same files and the same service. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestHost } from "../../testing";
import { cacheFolder } from "../../testing/machine/folders";
import type { Contender } from "./contender";
import { run } from "./run";

const VERSION = "3.10.0";

/** The files that this package manages too. */
const FILES = [
  ...["/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/aliases", "/etc/mailer.conf"],
  ...[
    "/etc/rc.conf.local",
    "/var/spool/postfix/etc/resolv.conf",
    "/var/spool/postfix/etc/services",
  ],
];

/** Installs pyinfra into the cache, once. */
async function installed(): Promise<string> {
  const folder = join(cacheFolder(), `pyinfra-${VERSION}`);
  const program = join(folder, "bin/pyinfra");
  if (existsSync(program)) return program;
  for (const argv of [
    ["python3", "-m", "venv", folder],
    [join(folder, "bin/pip"), "install", "--quiet", `pyinfra==${VERSION}`],
  ] as const) {
    const { code, output } = await run({ argv: [...argv], cwd: "/" });
    if (code !== 0) throw new Error(`${argv.join(" ")}: status ${code}\n${output}`);
  }
  return program;
}

/** A deploy of what the first host has, for all hosts. */
export async function pyinfra(hosts: readonly TestHost[]): Promise<Contender> {
  const program = await installed();
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-bench-"));
  const [first] = hosts;
  if (first === undefined) throw new Error("there is a host");
  mkdirSync(join(folder, "files"));
  const puts: string[] = [];
  for (const [index, path] of FILES.entries()) {
    const { stdout, exitCode } = await first.exec(["cat", path]);
    if (exitCode !== 0) continue;
    writeFileSync(join(folder, `files/${index}`), stdout);
    puts.push(`files.put(src="files/${index}", dest="${path}")`);
  }
  const inventory = hosts.map(
    ({ host, port, user, privateKeyPath, knownHostsPath }, index) =>
      `("@ssh/host${index}", {"ssh_hostname": "${host}", "ssh_port": ${port}, "ssh_user": "${user}", "ssh_key": "${privateKeyPath}", "ssh_known_hosts_file": "${knownHostsPath}", "ssh_strict_host_key_checking": "no"})`,
  );
  writeFileSync(join(folder, "inventory.py"), `hosts = [${inventory.join(",\n")}]\n`);
  writeFileSync(
    join(folder, "deploy.py"),
    [
      "from pyinfra.operations import bsdinit, files, pkg",
      'pkg.packages(packages=["postfix"])',
      ...puts,
      'bsdinit.service(service="postfix", running=True)',
      "",
    ].join("\n"),
  );
  return {
    name: "pyinfra",
    title: `pyinfra ${VERSION}`,
    tasks: [
      {
        name: "a real run",
        command: { argv: [program, "-y", "inventory.py", "deploy.py"], cwd: folder },
        // Of all operations on all hosts none was an error, and none had something to change.
        fault: (output) =>
          /Grand total +(\d+) +- +- +\1 /.test(output)
            ? undefined
            : "something was changed or failed",
      },
    ],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
