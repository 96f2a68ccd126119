/**
 * The acceptance suite as a person runs it, against hosts by their addresses: what it sees on a host of each release family,
 * what it refuses, and that it sees what is wrong.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BASE_PROGRAMS, programs } from "../../acceptance/host/commands";
import { Ssh } from "../../acceptance/host/ssh";
import { diffTrees, type Release, startHost, type TestHost } from "../../testing";
import { FAMILIES, installPostfix, packageOf, sh } from "./server";

const folder = mkdtempSync(join(tmpdir(), "acceptance-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly printed: string;
  /** Of the checks that were come to. */
  readonly outcomes: Readonly<Record<string, string>>;
}

/** How the suite is told to reach a test host. */
function addressOf(host: TestHost): string[] {
  const { packagePath } = packageOf(host.release) as { readonly packagePath?: string };
  return [
    ...[`root@${host.host}`, "--port", String(host.port), "--identity", host.privateKeyPath],
    ...["--known-hosts", host.knownHostsPath],
    ...(packagePath === undefined ? [] : ["--package-path", packagePath]),
  ];
}

/** Runs the suite without a terminal; `onPrinted` is told all that it has printed so far, each time there is more. */
function suite(
  args: readonly string[],
  onPrinted: (printed: string, interrupt: () => void) => void = () => undefined,
): Promise<Ran> {
  const json = join(folder, "report.json");
  rmSync(json, { force: true });
  const main = join(__dirname, "../../dist/acceptance/main.js");
  // A group of its own, as at a terminal: Ctrl-C is for all programs in it.
  const child = spawn(process.execPath, [main, ...args, "--json", json], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  const interrupt = (): void => void process.kill(-(child.pid ?? 0), "SIGINT");
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      onPrinted(printed, interrupt);
    });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, printed, outcomes: outcomesIn(json) }));
  });
}

function outcomesIn(path: string): Record<string, string> {
  try {
    const { results } = JSON.parse(readFileSync(path, "utf8")) as {
      results: { check: string; outcome: string }[];
    };
    return Object.fromEntries(results.map(({ check, outcome }) => [check, outcome]));
  } catch {
    return {};
  }
}

/** A whole run is some forty runs of the CLI, one after the other. */
const WHOLE_MS = 30 * 60_000;

const SHORT = ["preview", "up", "second-up", "drift", "destroy", "as-found"];

const seen = (checks: readonly string[]): Record<string, string> =>
  Object.fromEntries(checks.map((check) => [check, "seen"]));

const hosts: TestHost[] = [];
async function started(release: Release): Promise<TestHost> {
  const host = await startHost({ release });
  hosts.push(host);
  return host;
}
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

test(
  "on 7.8 every check is seen to hold, a reboot included, and nothing of the run is left",
  async () => {
    const host = await started("7.8");
    const before = await host.snapshot();
    const ran = await suite([...addressOf(host), "--yes", "--reboot"]);
    const undone = Array.from({ length: 13 }, (_, index) => `undo-${index + 1}`);
    const more = ["package-drift", "hand-edits", "doas-ksh", "doas-csh", "audit", "reboot"];
    const expected = seen([...SHORT, ...more, ...undone, "cut-package", "switch-under-mail"]);
    expect({ ...ran, printed: "" }).toEqual({ status: 0, printed: "", outcomes: expected });
    // smtpd(8) makes folders in its queue when a message comes, and keeps them: they are of its own mail.
    const own = /^\/var\/spool\/smtpd\/queue\/..: added/;
    const differs = diffTrees(before, await host.snapshot());
    expect(differs.filter((path) => !own.test(path))).toEqual([]);
  },
  WHOLE_MS,
);

test.each(FAMILIES.filter((release) => release !== "7.8"))(
  "on %s the short set is seen to hold, by programs that the base system has",
  async (release) => {
    const host = await started(release);
    const { host: name, port, privateKeyPath, knownHostsPath } = host;
    const ssh = new Ssh({
      ...{ user: "root", host: name, port },
      ...{ identity: privateKeyPath, knownHosts: knownHostsPath },
    });
    const there = await ssh.run(programs, ...BASE_PROGRAMS);
    await ssh.close();
    expect(there.trim().split("\n")).toEqual(BASE_PROGRAMS);
    const ran = await suite([...addressOf(host), "--yes", "--short"]);
    expect({ ...ran, printed: "" }).toEqual({ status: 0, printed: "", outcomes: seen(SHORT) });
  },
);

describe("a host that the suite must leave alone", () => {
  test("one with a Postfix is refused by what it has, and one without a terminal to ask on by --yes; nothing is changed", async () => {
    const host = await started("7.8");
    const unasked = await suite(addressOf(host));
    expect(unasked.printed).toContain("say --yes if the host may be changed");
    await installPostfix(host);
    const before = await host.snapshot();
    const { status, printed } = await suite([...addressOf(host), "--yes"]);
    expect(printed).toContain("The host is in use: it has /usr/local/sbin/postfix, /etc/postfix");
    expect([unasked.status, status]).toEqual([2, 2]);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("told so, it goes on beside a Postfix, which it leaves as it was", async () => {
    const host = await started("7.8");
    await installPostfix(host);
    const ran = await suite([...addressOf(host), "--yes", "--short", "--with-postfix"]);
    expect({ ...ran, printed: "" }).toEqual({ status: 0, printed: "", outcomes: seen(SHORT) });
    expect(await sh(host, "ls /var/db/pkg | grep -c postfix")).toBe("1\n");
  });

  test("--release-check asks and changes nothing; a host that does not answer, or is no OpenBSD, is said by its name", async () => {
    const host = await started("7.8");
    const before = await host.snapshot();
    const { status, printed } = await suite([...addressOf(host), "--release-check"]);
    expect([status, printed]).toEqual([0, expect.stringContaining("OpenBSD 7.8 amd64")]);
    await host.line.admit("refuse");
    const dead = await suite([...addressOf(host), "--yes"]);
    expect(dead.printed).toMatch(
      /root@127\.0\.0\.1:\d+: asking what the host is: ssh\(1\) did not reach it/,
    );
    await host.line.admit("open");
    await sh(
      host,
      "mv /usr/bin/uname /usr/bin/real; printf '#!/bin/sh\\necho Linux\\n' > /usr/bin/uname; chmod 755 /usr/bin/uname",
    );
    const other = await suite([...addressOf(host), "--yes"]);
    expect(other.printed).toContain("is Linux, and not OpenBSD");
    expect([dead.status, other.status]).toEqual([2, 2]);
    await sh(host, "mv /usr/bin/real /usr/bin/uname");
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });
});

test("what is wrong is seen: a file that changes meanwhile fails the check, and the run", async () => {
  const host = await started("7.8");
  await sh(host, "nohup sh -c 'while sleep 0.2; do date >> /etc/restless; done' >/dev/null 2>&1 &");
  const { status, printed, outcomes } = await suite([...addressOf(host), "--yes", "--short"]);
  expect(status).toBe(1);
  expect(outcomes).toEqual({
    ...{ preview: "NOT seen", "as-found": "NOT seen" },
    ...{ up: "not tried", "second-up": "not tried", drift: "not tried", destroy: "not tried" },
  });
  expect(printed).toContain("/etc/restless: contents");
  expect(printed).toContain("The host is NOT as it was found");
});

test("at Ctrl-C in the middle of an up the host is put back", async () => {
  const host = await started("7.8");
  const before = await host.snapshot();
  let pressed = false;
  const { status, printed, outcomes } = await suite(
    [...addressOf(host), "--yes", "--short"],
    (text, interrupt) => {
      if (pressed || !text.includes("a preview shows every step")) return;
      pressed = true;
      setTimeout(interrupt, 8000);
    },
  );
  expect(printed).toContain("Interrupted: the host is put back now.");
  expect([status, outcomes["as-found"]]).toEqual([1, "seen"]);
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
});
