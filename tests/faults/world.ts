/** A host for the harness: its files watched from outside of SSH, its file systems made small at will, and put back. */
import { isDeepStrictEqual } from "node:util";
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import type { Release } from "../../testing/image/releases";
import { packageOf, sh } from "../preview/server";
import type { By, Disk } from "./injection";
import { CANARY, SUBJECTS } from "./subjects";

/** What stands at a path. */
export interface Seen {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly text: string;
}

/** The host at one moment. */
export interface Sighting {
  /** By path; a file that is not there is absent. */
  readonly files: Readonly<Record<string, Seen>>;
  /** Files that interrupted writes have left. */
  readonly leftovers: readonly string[];
  /** Files of ours in which the secret stands although it should not. */
  readonly leaks: readonly string[];
}

/** Folders that lie on file systems of their own, which can be made to take nothing new. */
export const DISKS = ["/etc", "/var/db", "/var/cron"] as const;

const RECORD = "/var/db/pulumi-openbsd-postfix";
const PATHS = [...new Set(SUBJECTS.map(({ path }) => path))];

/**
 * Debian's Berkeley DB, which the test host's Postfix has, makes a file of this name while it makes a database, and makes
 * none while there is one already. OpenBSD's, in its C library, has no such file: what a build leaves there is taken away.
 */
const OF_THE_LIBRARY = "/etc/postfix/__db.*";

/** Prints the files as JSON, by Perl without modules: the bytes in hexadecimal. */
const LOOK = `
unlink glob "${OF_THE_LIBRARY}";
my @files;
for my $path (qw(${PATHS.join(" ")})) {
  my @stat = lstat $path or next;
  -f _ or do { push @files, qq("$path":null); next };
  open my $file, "<", $path or die "$path: $!";
  local $/;
  my $hex = unpack "H*", scalar <$file> // "";
  push @files, sprintf '"%s":[%d,%d,%d,"%s"]', $path, $stat[2] & 07777, $stat[4], $stat[5], $hex;
}
my @left = map { glob "$_/.*.pulumi-*" } qw(/etc /etc/postfix /var/cron/tabs ${RECORD});
my @leaks = grep {
  my $found = 0;
  if (-f $_ && open my $file, "<", $_) { local $/; $found = index(<$file> // "", "${CANARY}") >= 0 }
  $found
} glob "${RECORD}/* ${RECORD}/.* /tmp/*";
print "{", '"files":{', join(",", @files), "},", '"leftovers":[', join(",", map qq("$_"), @left), "],",
  '"leaks":[', join(",", map qq("$_"), @leaks), "]}";
`;

/** Files and folders with all that a write changes, but for what changes by itself. */
const LIST = `find ${[...DISKS, "/root", "/tmp", "/var/tmp"].join(" ")} -xdev ! -path '/var/cron/log' ! -name '.sock' \\( -type d -printf '%p %m %U:%G\\n' -o -printf '%p %i %C@ %s %m %U:%G %l\\n' \\) | sort`;

/** Installs Postfix's package by hand, as an admin does. */
async function install(host: TestHost): Promise<void> {
  const { packagePath } = packageOf(host.release) as { readonly packagePath?: string };
  const script =
    packagePath === undefined
      ? "pkg_add -I postfix--%stable"
      : `PKG_PATH=${packagePath} pkg_add $(ls ${packagePath} | sed -n 's/^\\(postfix-[0-9.p]*\\)\\.tgz$/\\1/p' | head -1)`;
  await sh(host, script);
}

export class World {
  private constructor(
    readonly host: TestHost,
    readonly bare: Tree,
    /** The files as they are on a host that nobody has touched. */
    readonly pristine: Sighting,
  ) {}

  /** A host with Postfix's package, which does not run: so nothing waits for a reload. */
  static async start(release: Release): Promise<World> {
    const host = await startHost({ release });
    await install(host);
    for (const folder of DISKS)
      await sh(
        host,
        `keep=/var/log/pristine${folder} && mkdir -p $keep && cp -a ${folder}/. $keep/ &&
         mount -t tmpfs -o size=32m,nr_inodes=100k tmpfs ${folder} && cp -a $keep/. ${folder}/`,
      );
    const bare = await host.snapshot();
    const world = new World(host, bare, { files: {}, leftovers: [], leaks: [] });
    return new World(host, bare, await world.look());
  }

  async look(): Promise<Sighting> {
    const { exitCode, stdout, stderr } = await this.host.exec(["/usr/bin/perl", "-e", LOOK]);
    if (exitCode !== 0) throw new Error(`the host cannot be looked at: ${stderr}`);
    const seen = JSON.parse(stdout) as {
      files: Record<string, [number, number, number, string] | null>;
      leftovers: string[];
      leaks: string[];
    };
    const files = Object.entries(seen.files).map(([path, found]) => {
      if (found === null) throw new Error(`${path} is no longer a file`);
      const [mode, uid, gid, hex] = found;
      return [path, { mode, uid, gid, text: Buffer.from(hex, "hex").toString("utf8") }] as const;
    });
    return { ...seen, files: Object.fromEntries(files) };
  }

  /** All files with inodes and times of change: the same text as long as nobody has written anything. */
  digest(): Promise<string> {
    return sh(this.host, LIST);
  }

  /** Whether the files are as they were at first, with no record and nothing left over: the quick look. */
  async isPristine(): Promise<boolean> {
    const { exitCode } = await this.host.exec(["/bin/sh", "-c", `test -e ${RECORD}`]);
    return exitCode !== 0 && isDeepStrictEqual(await this.look(), this.pristine);
  }

  /** What is not as on a host that nobody has touched. */
  async left(): Promise<string[]> {
    return diffTrees(this.bare, await this.host.snapshot());
  }

  /** Writes a file as an admin does: over itself, or a new one in its place. */
  async write(path: string, text: string, by: By): Promise<void> {
    const put =
      by === "in place"
        ? `cat > ${path}`
        : `cat > ${path}.new && { [ ! -e ${path} ] || { chmod --reference=${path} ${path}.new && chown --reference=${path} ${path}.new; }; } && mv ${path}.new ${path}`;
    const { exitCode, stderr } = await this.host.exec(["/bin/sh", "-c", put], { stdin: text });
    if (exitCode !== 0) throw new Error(`${path}: ${stderr}`);
  }

  /** Lets a file system take nothing new until {@link mend}. */
  async disk(how: Disk, folder: string): Promise<void> {
    const used = (flag: string, column: number): string =>
      `$(df ${flag} ${folder} | awk 'END { print $${column} }')`;
    const option = {
      full: `size=${used("-k", 3)}k`,
      "no inodes": `nr_inodes=${used("-i", 3)}`,
      "read-only": "ro",
    }[how];
    // While a file on it is open for writing, as the lock is, a file system stays writable: then nothing goes wrong.
    await sh(this.host, `mount -o remount,${option} ${folder} 2>/dev/null || true`);
  }

  async mend(folder: string): Promise<void> {
    await sh(this.host, `mount -o remount,rw,size=32m,nr_inodes=100k ${folder}`);
  }

  /** Puts back the host of before by force. */
  async reset(): Promise<void> {
    await sh(
      this.host,
      `rm -rf ${RECORD} /etc/.*.pulumi-* /etc/postfix/.*.pulumi-* /var/cron/tabs/.*.pulumi-*
       for f in ${PATHS.map((path) => `${path} ${path}.db`).join(" ")}; do
         if [ -e /var/log/pristine$f ]; then cp -p /var/log/pristine$f $f; else rm -f $f; fi
       done`,
    );
  }

  stop(): Promise<void> {
    return this.host.stop();
  }
}
