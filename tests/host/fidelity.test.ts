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
