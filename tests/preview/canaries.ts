/**
 * The search for canaries: secrets that a test has planted, in whatever a run prints, in the state, on the hosts' disks and
 * in what processes are given.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestHost } from "../../testing";
import { sh } from "./server";
import type { Project } from "./stack";

const RECORD = "/var/db/pulumi-openbsd-postfix/record.json";

/** The record, and its copy from before its last write. */
const RECORDS = [RECORD, `${RECORD}.previous`];

/** Texts that are too long for the record and that undoing needs, each in a file of its own. */
const COPIES = "/var/db/pulumi-openbsd-postfix/copies/";

/** At -v9 the engine writes every value that travels between it and a program or a provider, whosever they are. */
export const WIRE =
  /^.*"msg":"(Unm|M)arshaling property for RPC.*$|^.*"msg":"(RegisterResource RPC finished|eventSink::Debug).*$/gm;

/** The spellings under which a secret may stand somewhere: as it is, in quotes, in base64 at any offset. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6)),
  );
  return [...new Set([secret, JSON.stringify(secret).slice(1, -1), ...encoded])];
}

/** Every file below a folder, as one text. */
function contentsBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.name}\n${readFileSync(join(entry.parentPath, entry.name), "latin1")}`)
    .join("\n");
}

/** Sees each process of a host, however short, until it is told to stop: arguments and environments. */
const WATCH = `
my %seen;
until (-e "/tmp/seen-enough") {
  for my $file (glob "/proc/[0-9]*/cmdline /proc/[0-9]*/environ") {
    open my $in, "<", $file or next;
    local $/;
    my $text = <$in>;
    $seen{$text} = 1 if defined $text;
  }
  select undef, undef, undef, 0.05;
}
unlink "/tmp/seen-enough";
print map { "$_\\n" } keys %seen;`;

/** Looks at what runs on the hosts, and at the provider's process here, until it is stopped. */
export function watchProcesses(hosts: readonly TestHost[]): () => Promise<string> {
  const seen = new Set<string>();
  const there = hosts.map((host) => host.exec(["perl", "-e", WATCH]));
  let stopped = false;
  const look = async (): Promise<void> => {
    while (!stopped) {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
        try {
          // The program's process is the engine's: it gives it the stack's configuration by the environment.
          const command = readFileSync(`/proc/${pid}/cmdline`, "latin1");
          if (/dynamic-provider|plugin\/main\.js/.test(command))
            seen.add(command + readFileSync(`/proc/${pid}/environ`, "latin1"));
        } catch {
          // It has ended.
        }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const looking = look();
  return async () => {
    stopped = true;
    await looking;
    for (const host of hosts) await sh(host, ": > /tmp/seen-enough");
    const outcomes = await Promise.all(there);
    return [...seen, ...outcomes.map(({ stdout }) => stdout)].join("\n");
  };
}

/** The record without what undoing needs: what stood there before us, and what served before a change that failed. */
function withoutFormer(record: string): string {
  return JSON.stringify(
    JSON.parse(record, (key, value: unknown) =>
      key === "before" || key === "served" ? undefined : value,
    ),
  );
}

/** What is searched for, and where. */
export interface Hunted {
  readonly project: Project;
  readonly hosts: readonly TestHost[];
  readonly secrets: readonly string[];
  /** Files on a host that must hold a secret, or that Postfix itself writes it to. */
  readonly holders: readonly RegExp[];
}

/** Looks for secrets after each run, and remembers where one was. */
export class CanaryHunt {
  readonly leaks: string[] = [];
  readonly #holders = new Set<string>();
  /** The secrets by each of their spellings. */
  readonly #patterns: ReadonlyMap<string, string>;

  constructor(private readonly hunted: Hunted) {
    this.#patterns = new Map(
      hunted.secrets.flatMap((secret) =>
        spellings(secret).map((spelling) => [spelling, secret] as const),
      ),
    );
  }

  /** The files below /etc that were seen to hold a secret, as they must. */
  get holders(): string[] {
    return [...this.#holders].filter((file) => file.startsWith("/etc")).sort();
  }

  /** The secrets in a text, each with the name of the place. */
  found(where: string, text: string): string[] {
    return [...this.#patterns]
      .filter(([spelling]) => text.includes(spelling))
      .map(([, secret]) => `${secret} in ${where}`);
  }

  /**
   * Looks into what a run has printed, and into what it left here and there. After a run that was cut, the record may hold
   * what undoing needs. Returns what was printed.
   */
  async after(what: string, output: string, cut = false): Promise<string> {
    const { project, hosts, holders } = this.hunted;
    this.leaks.push(...this.found(`what ${what} printed`, output));
    const state = contentsBelow(join(project.folder, "state"));
    this.leaks.push(...this.found(`the state after ${what}`, state));
    for (const host of hosts)
      for (const file of await this.#filesOf(host)) {
        if (RECORDS.includes(file) && cut) {
          const record = withoutFormer(await sh(host, `cat ${file}`));
          this.leaks.push(...this.found(`${file} after ${what}`, record));
        } else if (file.startsWith(COPIES) && cut) {
          const modes = await sh(host, `stat -f %p%u ${COPIES} ${file}`);
          if (modes !== "407000\n1006000\n") this.leaks.push(`${file}, open to others: ${modes}`);
        } else if (holders.some((holder) => holder.test(file))) this.#holders.add(file);
        else this.leaks.push(`${file} of ${host.release} after ${what}`);
      }
    return output;
  }

  /** The files of a host that hold a secret. */
  async #filesOf(host: TestHost): Promise<string[]> {
    const folders = ["/etc", "/var", "/tmp", "/root", "/home", "/usr/local"];
    const { stdout } = await host.exec(
      ["grep", "-rlF", "--devices=skip", "-f", "-", ...folders],
      // One pattern a line: of a secret of several lines, another one is the line that tells.
      { stdin: [...this.#patterns.keys()].filter((one) => !one.includes("\n")).join("\n") },
    );
    return stdout.split("\n").filter((one) => one !== "");
  }
}
