/** The official media in a folder: nothing of them is used before it was found in the list that OpenBSD signed. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { neededFiles, signedList } from "./releases";
import { parseDigests, SignatureError, verifiedMessage } from "./signify";

/** A folder with the files of a release, as they are on a mirror below `RELEASE/amd64/`. */
export interface Media {
  readonly release: string;
  readonly folder: string;
  /** The public key of the release's base system, as signify(1) prints it. */
  readonly key: string;
}

/** Files that are not there, or are not what OpenBSD signed. */
export class MediaError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MediaError";
  }
}

/** The digests that OpenBSD signed, by the names of the files. Throws a {@link MediaError} if the list is not to be trusted. */
export function signedDigests({ release, folder, key }: Media): Map<string, string> {
  const path = join(folder, signedList);
  let digests: Map<string, string>;
  try {
    digests = parseDigests(verifiedMessage(readFileSync(path), key));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const next = error instanceof SignatureError ? " Nothing of it was used." : "";
    throw new MediaError(
      `${path} is not the list that OpenBSD ${release} is signed with: ${reason}.${next}`,
    );
  }
  const absent = neededFiles(release).filter((name) => !digests.has(name));
  // Older lists have no BUILDINFO, and installers that read them do not fetch it.
  const missing = absent.filter((name) => name !== "BUILDINFO");
  if (missing.length > 0)
    throw new MediaError(`${path} does not list ${missing.join(", ")}: is it that of ${release}?`);
  return digests;
}

/** Those of the needed files that are not in the folder as they were signed. */
export async function unfitFiles(media: Media): Promise<string[]> {
  const digests = signedDigests(media);
  const unfit: string[] = [];
  for (const name of wanted(media.release, digests)) {
    const path = join(media.folder, name);
    if (!existsSync(path) || (await sha256(path)) !== digests.get(name)) unfit.push(name);
  }
  return unfit;
}

/** Verifies the media and returns the names of the files that are needed of them, the signed list included. */
export async function verifiedFiles(media: Media): Promise<string[]> {
  const unfit = await unfitFiles(media);
  if (unfit.length > 0)
    throw new MediaError(
      `${media.folder}: ${unfit.join(", ")}: missing, or not what OpenBSD ${media.release} signed. ` +
        "Remove what is wrong, and have it downloaded again.",
    );
  return [signedList, ...wanted(media.release, signedDigests(media))];
}

function wanted(release: string, digests: ReadonlyMap<string, string>): string[] {
  return neededFiles(release).filter((name) => digests.has(name));
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
