/** Mailboxes below Postfix's queue, where the guide's page on virtual accounts keeps them: they do not go with a package. */
import { HostError } from "../../host/errors";
import type { FileCount, HostWriter } from "../../host/host";
import { count, list, Look, lookAt } from "../../host/look";
import { QUEUE } from "../paths";

/** Postfix's own folders in the queue (postfix-files(5)), and those that a chroot needs (docs/openbsd.md 10). */
const OWN: readonly string[] = [
  ...["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop"],
  ...["pid", "private", "public", "saved", "trace"],
  ...["dev", "etc", "lib", "tmp", "usr"],
];

/** Folders with files in the queue that neither Postfix nor its package has made, with what is in them. */
async function foreignFolders(
  host: HostWriter,
): Promise<readonly (readonly [string, FileCount])[]> {
  const names = (await lookAt(host, list(QUEUE))) ?? [];
  const paths = names.filter((name) => !OWN.includes(name)).map((name) => `${QUEUE}/${name}`);
  const found = await lookAt(host, Look.each(paths, count));
  return paths.flatMap((path) => {
    const inside = found[path];
    return inside && (inside.files > 0 || inside.more) ? [[path, inside] as const] : [];
  });
}

/**
 * Nothing of a mailbox is removed because the folder around it goes.
 *
 * @throws HostError of kind "refused" while files of others are below the queue
 */
export async function refuseToLoseMailboxes(host: HostWriter): Promise<void> {
  const found = await foreignFolders(host);
  if (found.length === 0) return;
  const folders = found.map(
    ([path, { files, more }]) =>
      `${path} (${more ? "more than " : ""}${files} ${files === 1 && !more ? "file" : "files"})`,
  );
  throw new HostError("refused", {
    host: host.address,
    during: "removing Postfix",
    reason: `its spool goes with it, and holds files that are not Postfix's, as mailboxes are: ${folders.join(", ")}.`,
    changed: "no",
    next: "Move them out of the spool, or remove them, also by a MailStore with `discardMail: true` that depends on the package, and run `pulumi destroy` again.",
  });
}
