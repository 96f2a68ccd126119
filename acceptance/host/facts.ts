/** What a host is, and what the suite can do on it. */
import { bootTime, identify, mailers, occupants, programs, rootKeys } from "./commands";
import type { Ssh } from "./ssh";

/** What the host says of itself. */
export interface HostFacts {
  /** As in "7.8". */
  readonly release: string;
  /** As in "amd64". */
  readonly machine: string;
  readonly hostname: string;
  /** The kernel's own line, by which -current and -stable are told apart. */
  readonly kernel: string;
  /** Paths that a Postfix, or this package, has there. */
  readonly occupants: readonly string[];
  /** Which mailers run. */
  readonly mailers: readonly string[];
  /** Whether there is doas(1), by which others than root can act as root. */
  readonly hasDoas: boolean;
  /** Whether root has authorized keys, which then let in the users of the suite. */
  readonly hasRootKeys: boolean;
  /** Whether root's crontab has sendmail's queue runner active (before 5.6). */
  readonly hasClientmqueueJob: boolean;
}

/** The host is not one that the suite can be run on. */
export class UnfitHost extends Error {}

const DOAS = "/usr/bin/doas";

/** The first release that the package knows. */
const OLDEST = "4.7";

/** Is a release older than another? Both are as in "5.6". */
export function isBefore(release: string, other: string): boolean {
  const [major = 0, minor = 0] = release.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

/** Asks the host. Throws an {@link UnfitHost} where it is no OpenBSD that the package knows, or we are not root. */
export async function factsOf(ssh: Ssh): Promise<HostFacts> {
  const lines = (await ssh.run(identify)).split("\n");
  const [system = "", release = "", machine = "", hostname = "", uid = "", kernel = ""] = lines;
  if (system !== "OpenBSD") throw new UnfitHost(`${ssh.name} is ${system}, and not OpenBSD.`);
  if (uid !== "0")
    throw new UnfitHost(`${ssh.name}: the login has the user id ${uid}, and is not root's.`);
  if (isBefore(release, OLDEST))
    throw new UnfitHost(
      `${ssh.name} is OpenBSD ${release}; the oldest that is supported is ${OLDEST}.`,
    );
  const [there, running, found, keys] = await Promise.all([
    ssh.run(occupants),
    ssh.run(mailers),
    ssh.run(programs, DOAS),
    ssh.run(rootKeys),
  ]);
  return {
    release,
    machine,
    hostname,
    kernel: kernel.trim(),
    occupants: linesOf(there),
    mailers: linesOf(running),
    hasDoas: linesOf(found).includes(DOAS),
    hasRootKeys: keys !== "",
    hasClientmqueueJob: isBefore(release, "5.6"),
  };
}

/** When the host was booted, as it says it; "" where it does not say it. */
export async function bootedAt(ssh: Ssh): Promise<string> {
  return (await ssh.run(bootTime)).trim();
}

/** The lines of a text, without empty ones. */
export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
