/**
 * Downloads the official media. This is the one part that has never been run: where it was written, no mirror could be
 * reached. What it fetches is trusted only after media.ts has found it in the signed list.
 */
import { createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Media, MediaError, unfitFiles } from "./media";
import { signedList } from "./releases";

/** The mirror that sysupgrade(8) and pkg_add(1) use where /etc/installurl says nothing. */
export const defaultMirror = "https://cdn.openbsd.org/pub/OpenBSD";

/**
 * Fetches those of the needed files that are not in the folder yet, or not as they were signed. Where all of them are,
 * nothing is fetched. A signed list that is there is not replaced: if it is not to be trusted, somebody should look at it.
 */
export async function download(
  media: Media,
  mirror: string,
  say: (line: string) => void,
): Promise<void> {
  mkdirSync(media.folder, { recursive: true });
  const base = `${mirror.replace(/\/+$/, "")}/${media.release}/amd64`;
  const list = join(media.folder, signedList);
  if (!existsSync(list)) await fetchFile(`${base}/${signedList}`, list, say);
  for (const name of await unfitFiles(media))
    await fetchFile(`${base}/${name}`, join(media.folder, name), say);
}

async function fetchFile(url: string, path: string, say: (line: string) => void): Promise<void> {
  say(`fetching ${url}`);
  try {
    const reply = await fetch(url);
    if (!reply.ok || reply.body === null) throw new Error(`HTTP ${reply.status}`);
    const partial = `${path}.part`;
    await pipeline(Readable.fromWeb(reply.body), createWriteStream(partial));
    renameSync(partial, path);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
    throw new MediaError(
      `${url} cannot be fetched (${reason}). Name another mirror with --mirror, or put the files that are on it into a ` +
        "folder yourself and name that with --media.",
    );
  }
}
