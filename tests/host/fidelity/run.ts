import { readFileSync } from "node:fs";
import { Client } from "ssh2";
import { ensureImage, startHost, type Release, type TestHost } from "../../../testing";
import { isBefore } from "../../../testing/image/releases";
import { baseMailer } from "./baseMailer";
import { boot } from "./boot";
import { cron, cronReplies } from "./cron";
import { logs } from "./logs";
import { middlePackages, modernPackages, oldPackages, replyPackages } from "./packages";
import { middlePorts, modernPorts, oldPorts } from "./ports";
import { packageChecks } from "./packageChecks";
import { postfix } from "./postfix";
import type { Expected, Row, Story } from "./row";
import {
  disabledServices,
  namesByRelease,
  rcctlByRelease,
  services,
  sourcedServices,
} from "./services";
import { securityChecks } from "./security";
import { system } from "./system";
import { versions } from "./versions";

/**
 * The test host against the facts about OpenBSD: what a program prints, on which stream, with which
 * exit status, and where it is silent.
 */
const stories: readonly Story[] = [
  system,
  baseMailer,
  modernPackages,
  oldPackages,
  middlePackages,
  ...replyPackages,
  modernPorts,
  middlePorts,
  oldPorts,
  sourcedServices,
  ...disabledServices,
  namesByRelease,
  rcctlByRelease,
  services,
  logs,
  cron,
  ...cronReplies,
  postfix,
  versions,
  securityChecks,
  packageChecks,
  boot,
];

/** Tells the stories of some releases, each on a host of its own. */
export function tell(of: (release: Release) => boolean): void {
  const told = stories.flatMap((story) =>
    story.releases
      .filter(of)
      .map((release) => ({ name: `OpenBSD ${release}, ${story.title}`, release, story })),
  );
  describe.each(told)("$name", ({ release, story }) => hold(release, story));
}

function hold(release: Release, story: Story): void {
  let host: TestHost;

  beforeAll(async () => {
    await ensureImage(release);
    host = await startHost({ release, ...(story.facts && { facts: story.facts }) });
  }, 600_000);

  afterAll(() => host.stop());

  test.each(rowsFor(story, release))("$section: $fact", async (row) => {
    if (row.reboot === true) await host.reboot();
    const options = row.stdin === undefined ? {} : { stdin: row.stdin };
    const result = await host.exec(["/bin/sh", "-c", row.script], options);
    expect(seen(result, row, release)).toEqual({
      stdout: expected(row.stdout, result.stdout),
      stderr: expected(row.stderr, result.stderr),
      exit: row.exit ?? 0,
    });
  });
}

/** Logs in and runs a command. */
export function overSsh(host: TestHost, command: string): Promise<string> {
  const client = new Client();
  return new Promise<string>((resolve, reject) => {
    client.on("error", reject);
    client.on("ready", () =>
      client.exec(command, (error, channel) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        let output = "";
        channel.on("data", (data: Buffer) => (output += data.toString()));
        channel.on("close", () => resolve(output));
        channel.stderr.resume();
      }),
    );
    client.connect({
      host: host.host,
      port: host.port,
      username: host.user,
      privateKey: readFileSync(host.privateKeyPath),
      hostVerifier: (key: Buffer) => key.toString("base64") === host.hostKey.split(" ")[1],
    });
  }).finally(() => client.end());
}

interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

function rowsFor(story: Story, release: Release): Row[] {
  return story.rows.filter((row) => row.releases === undefined || row.releases.includes(release));
}

function seen(result: Result, row: Row, release: Release): object {
  const { stdout, stderr, exitCode } = result;
  const said = row.stderr !== undefined || isBefore(release, "7.8") ? stderr : withoutLog(stderr);
  return { stdout, stderr: said, exit: exitCode };
}

/**
 * From 3.8 on, postfix(1) and postlog(1) write on stderr what they log, also where that is no terminal (postlog(1)). A row
 * of silence means silence but for those lines, which a row of postfix.ts shows.
 */
function withoutLog(stderr: string): string {
  return stderr.replace(/^postfix(\/postlog)?: .*\n/gm, "");
}

/** What the stream should hold; for a pattern that matches, what it does hold. */
function expected(wanted: Expected | undefined, actual: string): unknown {
  if (wanted === undefined) return "";
  if (typeof wanted === "string") return wanted;
  return wanted.test(actual) ? actual : wanted;
}
