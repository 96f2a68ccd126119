/**
 * Gets what the tests and the demo need and the machine has not: Debian packages, the test host's
 * images, the Pulumi CLI. Says what it does; all of it is kept, so a second run takes no time.
 */
import { ensureImage } from "../testing/image/ensureImage";
import { familyReleases } from "../testing/image/releases";
import { findPulumi } from "./pulumi-cli/find";

async function images(): Promise<void> {
  for (const release of familyReleases) await ensureImage(release);
}

async function main(): Promise<void> {
  // The image waits for the network most of the time, and the CLI's build for the processor.
  const results = await Promise.allSettled([images(), findPulumi()]);
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    const error: unknown = result.reason;
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

void main();
