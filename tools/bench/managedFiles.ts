/** The files that this package manages, for contenders that put files on hosts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestHost } from "../../testing";

const FILES = [
  ...["/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/aliases", "/etc/mailer.conf"],
  "/etc/rc.conf.local",
  ...["/var/spool/postfix/etc/resolv.conf", "/var/spool/postfix/etc/services"],
];

/** A file to put on all hosts. */
export interface ManagedFile {
  /** Where it stands, from the folder. */
  readonly source: string;
  readonly path: string;
}

/** Copies those of the files that the first host has into `folder`. */
export async function copyManaged(
  [first]: readonly TestHost[],
  folder: string,
): Promise<readonly ManagedFile[]> {
  if (first === undefined) throw new Error("there is a host");
  mkdirSync(join(folder, "files"));
  const copied: ManagedFile[] = [];
  for (const [index, path] of FILES.entries()) {
    const { stdout, exitCode } = await first.exec(["cat", path]);
    if (exitCode !== 0) continue;
    const source = `files/${index}`;
    writeFileSync(join(folder, source), stdout);
    copied.push({ source, path });
  }
  return copied;
}
