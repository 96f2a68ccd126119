import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the image's Debian could come from. */
export interface DebianSource {
  readonly suite: string;
  readonly mirror: string;
  readonly components: string;
}

/** The Debian whose packages this was made and measured with. */
const preferredSuite = "bookworm";
const publicMirror = "http://deb.debian.org/debian";

/**
 * Where to try to get the image's Debian from, best first: bookworm from the mirror that this
 * machine uses, bookworm from the public one, and at last whatever this machine itself is.
 */
export function debianSources(): DebianSource[] {
  const machine = machineSource();
  const debian = (mirror: string): DebianSource => ({
    suite: preferredSuite,
    mirror,
    components: "main",
  });
  const sources = [debian(publicMirror)];
  if (machine?.debian === true) sources.unshift(debian(machine.mirror));
  if (machine !== undefined) {
    const components = machine.debian ? "main" : "main universe";
    sources.push({ suite: machine.suite, mirror: machine.mirror, components });
  }
  const seen = new Set<string>();
  return sources.filter(({ suite, mirror }) => {
    const key = `${suite} ${mirror.replace(/\/+$/, "")}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** How this machine's apt reaches the network, as options that another apt can be given. */
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

interface MachineSource {
  readonly suite: string;
  readonly mirror: string;
  readonly debian: boolean;
}

/** The mirror of this machine's own release: the first source that offers just that suite. */
function machineSource(): MachineSource | undefined {
  const release = readOr("/etc/os-release");
  const suite = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1];
  if (suite === undefined) return undefined;
  const debian = /^ID="?debian"?$/m.test(release);
  for (const text of sourceFiles()) {
    const mirror = mirrorIn(text, suite);
    if (mirror !== undefined) return { suite, mirror, debian };
  }
  return undefined;
}

function sourceFiles(): string[] {
  const folder = "/etc/apt/sources.list.d";
  let names: string[] = [];
  try {
    names = readdirSync(folder).sort();
  } catch {
    // A machine may have only the one file.
  }
  const paths = names.filter((name) => /\.(list|sources)$/.test(name));
  return ["/etc/apt/sources.list", ...paths.map((name) => join(folder, name))].map(readOr);
}

/** sources.list(5): one line a source, or paragraphs of fields. */
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

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
