/** Finds the mirrors from which the Debian packages of the image can be downloaded. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A Debian release on a mirror. */
export interface DebianSource {
  readonly suite: string;
  readonly mirror: string;
  readonly components: string;
  /** The mirror of {@link newerSuite}. */
  readonly newerMirror: string;
}

/** The Debian release that the image was developed and tested with. */
const preferredSuite = "bookworm";

/** The Debian release that has the source of the newer Postfix (`newer` in stages.ts). */
export const newerSuite = "trixie";

const publicMirror = "http://deb.debian.org/debian";

/**
 * The sources to try for the packages of the image, the best first: bookworm from the mirror that this machine uses,
 * bookworm from the public mirror, and last the release that this machine itself runs.
 */
export function debianSources(): DebianSource[] {
  const machine = machineSource();
  const debian = (mirror: string): DebianSource => ({
    suite: preferredSuite,
    mirror,
    components: "main",
    newerMirror: mirror,
  });
  const sources = [debian(publicMirror)];
  if (machine?.debian === true) sources.unshift(debian(machine.mirror));
  if (machine !== undefined) {
    const components = machine.debian ? "main" : "main universe";
    const newerMirror = machine.debian ? machine.mirror : publicMirror;
    sources.push({ suite: machine.suite, mirror: machine.mirror, components, newerMirror });
  }
  const seen = new Set<string>();
  return sources.filter(({ suite, mirror }) => {
    const key = `${suite} ${mirror.replace(/\/+$/, "")}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** The settings with which apt of this machine reaches the network, as command line options for another apt. */
export function aptOptions(): string[] {
  const { stdout } = spawnSync("apt-config", ["dump"], { encoding: "utf8" });
  return stdout
    .split("\n")
    .map((line) => line.replace(/;$/, ""))
    .filter((line) =>
      /^Acquire::(https?::[\w:.-]*Proxy[\w:.-]*|Check-Valid-Until|Check-Date|Retries|ForceIPv[46]) "./.test(
        line,
      ),
    );
}

/** The release that this machine runs, and the mirror that it uses. */
interface MachineSource {
  readonly suite: string;
  readonly mirror: string;
  readonly debian: boolean;
}

/** Finds the first source in apt's configuration that has the release of this machine; undefined if none does. */
function machineSource(): MachineSource | undefined {
  const release = readIfThere("/etc/os-release");
  const suite = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1];
  if (suite === undefined) return undefined;
  const debian = /^ID="?debian"?$/m.test(release);
  for (const text of sourceFiles()) {
    const mirror = mirrorIn(text, suite);
    if (mirror !== undefined) return { suite, mirror, debian };
  }
  return undefined;
}

/** The contents of apt's files with sources. */
function sourceFiles(): string[] {
  const folder = "/etc/apt/sources.list.d";
  let names: string[] = [];
  try {
    names = readdirSync(folder).sort();
  } catch {
    // A machine without this folder has only sources.list.
  }
  const paths = names.filter((name) => /\.(list|sources)$/.test(name));
  return ["/etc/apt/sources.list", ...paths.map((name) => join(folder, name))].map(readIfThere);
}

/** Finds the mirror of a suite in either format of sources.list(5): lines, or paragraphs of fields. */
function mirrorIn(text: string, suite: string): string | undefined {
  for (const line of text.split("\n")) {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(https?:\S+)\s+(\S+)\s/.exec(line);
    if (match?.[2] === suite) return match[1];
  }
  for (const paragraph of text.split(/\n\s*\n/)) {
    const suites = /^Suites:(.*)$/im.exec(paragraph)?.[1]?.trim().split(/\s+/) ?? [];
    const uri = /^URIs:.*?(https?:\S+)/im.exec(paragraph)?.[1];
    if (suites.includes(suite) && uri !== undefined) return uri;
  }
  return undefined;
}

/** Reads a file; "" if it cannot be read. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
