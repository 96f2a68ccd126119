import { readFileSync } from "node:fs";
import { Client } from "ssh2";
import { ensureImage, startHost, type Release, type TestHost } from "../../testing";
import { baseMailer } from "./fidelity/baseMailer";
import { boot } from "./fidelity/boot";
import { cron } from "./fidelity/cron";
import { logs } from "./fidelity/logs";
import { modernPackages, oldPackages } from "./fidelity/packages";
import { postfix } from "./fidelity/postfix";
import type { Expected, Row, Story } from "./fidelity/row";
import { services } from "./fidelity/services";
import { system } from "./fidelity/system";

/**
 * The test host against the facts about OpenBSD: what a program prints, on which stream, with which
 * exit status, and where it is silent.
 */
const stories: readonly Story[] = [
  system,
  baseMailer,
  modernPackages,
  oldPackages,
  services,
  logs,
  cron,
  postfix,
  boot,
];

const told = stories.flatMap((story) =>
  story.releases.map((release) => ({ name: `OpenBSD ${release}, ${story.title}`, release, story })),
);

describe.each(told)("$name", ({ release, story }) => {
  let host: TestHost;

  beforeAll(async () => {
    await ensureImage(release);
    host = await startHost({ release });
  }, 600_000);

  afterAll(() => host.stop());

  test.each(rowsFor(story, release))("$section: $fact", async (row) => {
    if (row.reboot === true) await host.reboot();
    const options = row.stdin === undefined ? {} : { stdin: row.stdin };
    const result = await host.exec(["/bin/sh", "-c", row.script], options);
    expect(seen(result)).toEqual({
      stdout: expected(row.stdout, result.stdout),
      stderr: expected(row.stderr, result.stderr),
      exit: row.exit ?? 0,
    });
  });
});

describe.each([
  ["7.8", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/X11R6/bin:/usr/local/bin:/usr/local/sbin"],
  ["4.7", "/usr/bin:/bin:/usr/sbin:/sbin:/usr/X11R6/bin:/usr/local/bin"],
] as const)("OpenBSD %s, over SSH", (release, path) => {
  test("11: a command gets login.conf's PATH, base before /usr/local, and no profile", async () => {
    const host = await startHost({ release });
    try {
      expect(await overSsh(host, "echo $PATH")).toBe(`${path}\n`);
    } finally {
      await host.stop();
    }
  });
});

function overSsh(host: TestHost, command: string): Promise<string> {
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

function rowsFor(story: Story, release: Release): Row[] {
  return story.rows.filter((row) => row.releases === undefined || row.releases.includes(release));
}

function seen(result: { stdout: string; stderr: string; exitCode: number }): object {
  return { stdout: result.stdout, stderr: result.stderr, exit: result.exitCode };
}

/** What the stream should hold; for a pattern that matches, what it does hold. */
function expected(wanted: Expected | undefined, actual: string): unknown {
  if (wanted === undefined) return "";
  if (typeof wanted === "string") return wanted;
  return wanted.test(actual) ? actual : wanted;
}
