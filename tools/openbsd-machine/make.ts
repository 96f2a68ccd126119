/** `make`: installs OpenBSD on a disk for QEMU, from verified media, by autoinstall(8). */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { generateSshKey } from "../../testing/host/sshKeys";
import { Dialogue } from "./dialogue";
import { download } from "./download";
import { Guarded, script } from "./guarded";
import { filesIn } from "./installedMachine";
import { unlessAborted } from "./interruption";
import { Machine } from "./machine";
import { lastLines, MachineError } from "./machineError";
import { type Media, verifiedFiles } from "./media";
import { gateway, type MediaServer, serve, type Served } from "./mediaServer";
import type { MakeOptions } from "./options";
import { createDisk, type Hardware, installArgv, requireQemu } from "./qemu";
import { baseKey, knownReleases, siteSet } from "./releases";
import { responseFile } from "./responseFile";
import { bootLimit, hardwareOf } from "./run";
import { hostKeyOf } from "./sshAccess";

/** How long nothing may be said until the installer's first question, and after it, in milliseconds: in software it unpacks base for minutes. */
const silenceMs = { before: 5 * 60_000, after: 20 * 60_000 } as const;

/** How long the first start may take to do what it does once (rc.firsttime(8)), in milliseconds. */
const firstTimeLimitMs = 20 * 60_000;

/** Installs a machine. */
export async function make(
  options: MakeOptions,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  requireQemu();
  const { folder } = options;
  if (existsSync(folder))
    throw new MachineError(
      `${folder} is there already. Remove it to install anew, or name another with --machine.`,
    );
  const media = mediaOf(options);
  await download(media, options.mirror, say);
  const files = await verifiedFiles(media);
  say(`the media in ${media.folder} are those that OpenBSD ${options.release} signed`);
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true, mode: 0o700 });
  try {
    await new Installation(options, hardwareOf(options, say), making, say).make(
      media,
      files,
      signal,
    );
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(join(making, "machine"), folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  say(`installed: ${folder}`);
}

function mediaOf({ release, media, keyFile }: MakeOptions): Media {
  const key = keyFile === undefined ? baseKey(release) : readFileSync(resolve(keyFile), "utf8");
  if (key === undefined)
    throw new MachineError(
      `The signing key of OpenBSD ${release} is not known here, only those of ${knownReleases().join(" and ")}. ` +
        "Name its file with --key: it is in /etc/signify of the release before.",
    );
  return { release, folder: media, key };
}

/** One installation, in a folder of its own. */
class Installation {
  /** What becomes the folder of the machine. */
  private readonly machine: string;
  /** The installer's own folder: the working folder of its QEMU. */
  private readonly scratch: string;

  constructor(
    private readonly options: MakeOptions,
    private readonly hardware: Hardware,
    private readonly making: string,
    private readonly say: (line: string) => void,
  ) {
    this.machine = join(making, "machine");
    this.scratch = join(making, "scratch");
  }

  async make(media: Media, files: readonly string[], signal: AbortSignal): Promise<void> {
    mkdirSync(this.machine, { mode: 0o700 });
    const { disk, identity, hostKey } = filesIn(this.machine);
    createDisk(disk, this.options.diskSize);
    const { private: privateKey, public: publicKey } = await generateSshKey();
    writeFileSync(identity, privateKey, { mode: 0o600 });
    const tree = this.fileTree(media, files);
    const server = await this.serve(tree, files, publicKey);
    let key: string;
    try {
      key = await this.install(server, signal);
    } finally {
      server.close();
    }
    writeFileSync(hostKey, `${key}\n`);
    await this.firstStart(key, signal);
  }

  /** The folder that the machine loads its boot program and its kernel from, by TFTP: the media as they are. */
  private fileTree(media: Media, files: readonly string[]): string {
    const tree = join(this.making, "tree");
    mkdirSync(join(tree, "etc"), { recursive: true });
    for (const name of files) symlinkSync(join(media.folder, name), join(tree, name));
    // pxeboot(8) reads it; from here on the console is the serial line.
    writeFileSync(
      join(tree, "etc/boot.conf"),
      "stty com0 115200\nset tty com0\nboot tftp:/bsd.rd\n",
    );
    const site = join(this.making, "site");
    mkdirSync(site);
    copyFileSync(script("install.site"), join(site, "install.site"));
    // The installer passes over one that cannot be executed.
    chmodSync(join(site, "install.site"), 0o755);
    const set = ["--format=ustar", "-czf", join(tree, siteSet(this.options.release))];
    // macOS would add files of its own for extended attributes.
    const env = { ...process.env, COPYFILE_DISABLE: "1" };
    execFileSync("tar", [...set, "-C", site, "install.site"], { env });
    return tree;
  }

  /** Serves the response file and the sets. */
  private async serve(
    tree: string,
    files: readonly string[],
    publicKey: string,
  ): Promise<MediaServer> {
    const { release } = this.options;
    const directory = `pub/OpenBSD/${release}/amd64`;
    const site = siteSet(release);
    const paths = new Map<string, Served>();
    for (const name of [...files, site])
      paths.set(`/${directory}/${name}`, { file: join(tree, name) });
    // A set that is not in the signed list is taken from index.txt, in the format of `ls -l` (install.site(5)).
    const index = `-rw-r--r--  1 root  wheel  0 Jan  1 00:00:00 2026 ${site}\n`;
    paths.set(`/${directory}/index.txt`, { text: index });
    const server = await serve(paths);
    const own = `${gateway}:${server.port}`;
    paths.set("/install.conf", {
      text: responseFile({ release, server: own, directory, publicKey }),
    });
    return server;
  }

  /** Runs the installer to its end, and returns the host key that it told. */
  private async install(server: MediaServer, signal: AbortSignal): Promise<string> {
    const log = join(this.making, "console.log");
    this.say(`installing; the installer's console is in ${log}`);
    const argv = installArgv("../machine/disk.qcow2", "../tree", this.hardware);
    const qemu = new Guarded(this.scratch, argv);
    let console = "";
    const dialogue = new Dialogue(qemu.stdout, qemu.stdin, (text) => {
      console += text;
      appendFileSync(log, text);
    });
    const told = (): string => {
      const words = lastLines(console, 25) || "nothing";
      return `\nThe installer's last words:\n${words}\n${lastLines(qemu.stderr, 10)}`.trimEnd();
    };
    try {
      const responses = `http://${gateway}:${server.port}/install.conf`;
      return await unlessAborted(this.converse(dialogue, responses, told), signal);
    } finally {
      await qemu.remove();
    }
  }

  private async converse(
    dialogue: Dialogue,
    responses: string,
    told: () => string,
  ): Promise<string> {
    let begun = false;
    let hostKey: string | undefined;
    let done = false;
    for (;;) {
      const heard = await dialogue.hear(
        [
          { name: "begin", pattern: /\(A\)utoinstall or \(S\)hell\? / },
          { name: "where", pattern: /Response file location\? / },
          { name: "mode", pattern: /\(I\)nstall or \(U\)pgrade\? / },
          { name: "host key", pattern: /^host key: (.*)\n/m },
          { name: "done", pattern: /CONGRATULATIONS!/ },
          {
            name: "failed",
            pattern: /failed; check \/tmp\/ai\/ai\.log|No response file found/,
          },
        ],
        begun ? silenceMs.after : silenceMs.before,
      );
      switch (heard.name) {
        case "begin":
          if (begun) throw new MachineError(`The installer has given up.${told()}`);
          begun = true;
          this.say("the installer asks what to do: an unattended installation");
          dialogue.answer("a");
          break;
        case "where":
          this.say(`the installer asks where its answers are: ${responses}`);
          dialogue.answer(responses);
          break;
        case "mode":
          dialogue.answer("i");
          break;
        case "host key":
          hostKey = hostKeyOf("match" in heard ? (heard.match[1] ?? "") : "");
          break;
        case "done":
          done = true;
          this.say("the installer is done");
          break;
        case "ended":
          if (done && hostKey !== undefined) return hostKey;
          throw new MachineError(
            `${done ? "The installed machine did not tell its host key." : "The installation has ended before its end."}${told()}`,
          );
        case "silent":
          throw new MachineError(
            begun
              ? `The installer has said nothing for ${silenceMs.after / 60_000} minutes.${told()}`
              : `The installer did not start within ${silenceMs.before / 60_000} minutes.${told()}`,
          );
        case "failed":
          throw new MachineError(`The installation has failed.${told()}`);
      }
    }
  }

  /** Starts the machine once on the disk itself, so that what is done only once is done, and sees that it is what it should be. */
  private async firstStart(hostKey: string, signal: AbortSignal): Promise<void> {
    const { release, more } = this.options;
    this.say("the first start");
    const { disk, identity } = filesIn(this.machine);
    const machine = await Machine.start({
      ...this.hardware,
      disk,
      keep: true,
      identity,
      hostKey,
      port: 0,
      offline: false,
      more,
      bootLimitMs: bootLimit(this.hardware),
      signal,
      say: this.say,
    });
    try {
      const command =
        "while [ -e /etc/rc.firsttime ] || [ -e /etc/rc.firsttime.run ]; do sleep 2; done; uname -sr";
      const running = machine.run(command, firstTimeLimitMs);
      const { stdout, stderr } = await unlessAborted(running, signal);
      if (stdout.toString().trim() !== `OpenBSD ${release}`)
        throw new MachineError(
          `The installed machine says that it is "${stdout.toString().trim()}", and not OpenBSD ${release}. ${stderr.toString()}`,
        );
    } catch (error) {
      await machine.abandon();
      throw error;
    }
    const end = await machine.stop();
    if (end !== "it shut itself down")
      throw new MachineError(`The installed machine did not shut down at its first end: ${end}.`);
  }
}
