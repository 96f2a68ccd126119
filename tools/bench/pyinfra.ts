/** pyinfra, which needs no Python on the hosts, with the same files and the same service. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestHost } from "../../testing";
import type { Contender } from "./contender";
import { withPython } from "./installed";
import { copyManaged } from "./managedFiles";

const VERSION = "3.10.0";

/** A deploy of what the first host has, for all hosts. */
export async function pyinfra(hosts: readonly TestHost[]): Promise<Contender> {
  const program = join(
    await withPython(`pyinfra-${VERSION}`, [`pyinfra==${VERSION}`]),
    "bin/pyinfra",
  );
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-bench-"));
  const puts = (await copyManaged(hosts, folder)).map(
    ({ source, path }) => `files.put(src="${source}", dest="${path}")`,
  );
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
