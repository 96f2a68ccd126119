/** Measuring how the work on a host grows with what is managed there. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestHost } from "../../testing";
import { type Kept, type Operation, OPERATIONS, type Order, type Outcome } from "./curveProcess";
import { type Planned, sh, type Subject } from "./curveSubjects";
import type { Fleet, Traffic } from "./fleet";
import type { Cost } from "./run";

/** One operation at one size. */
export interface Point extends Cost, Traffic {
  readonly subject: string;
  readonly operation: Operation;
  readonly size: number;
  /** What the engine keeps of all resources afterwards, as JSON. */
  readonly stateBytes: number;
  /** The record on the host afterwards. */
  readonly recordBytes: number;
}

const start = promisify(execFile);

const RECORD = "/var/db/pulumi-openbsd-postfix/record.json";

function keptOf(host: TestHost, { kind, name, args }: Planned): Kept {
  const connection = {
    ...{ host: host.host, port: host.port, user: host.user },
    ...{ privateKeyPath: host.privateKeyPath, hostKey: host.hostKey },
  };
  return {
    kind,
    urn: `urn:pulumi:bench::bench::openbsd-postfix:index:${kind}::${name}`,
    news: { ...args, connection },
  };
}

/** Runs an operation in a process of its own. */
async function work(folder: string, order: Order): Promise<Outcome> {
  const path = join(folder, "order.json");
  writeFileSync(path, JSON.stringify(order));
  // With the flags of this process, so that `node --cpu-prof` tells where the time goes.
  await start(process.execPath, [...process.execArgv, join(__dirname, "curveProcess.js"), path]);
  return JSON.parse(readFileSync(path, "utf8")) as Outcome;
}

async function recordBytes(host: TestHost): Promise<number> {
  return Number(await sh(host, `stat -f %z ${RECORD} 2>/dev/null || echo 0`));
}

/** All operations at one size, one after the other, on a host that has Postfix and nothing of ours. */
export async function measureSize(
  fleet: Fleet,
  subject: Subject,
  size: number,
  tell: (line: string) => void,
): Promise<readonly Point[]> {
  const [host] = fleet.hosts;
  if (host === undefined) throw new Error("there is a host");
  const folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-curves-"));
  const points: Point[] = [];
  try {
    await subject.prepare(host, size);
    const programs = { first: subject.resources(size), then: subject.changed(size) };
    let resources = programs.first.map((one) => keptOf(host, one));
    for (const operation of OPERATIONS) {
      if (operation === "change")
        resources = programs.then.map((one, nth) => ({ ...resources[nth], ...keptOf(host, one) }));
      const { result, traffic } = await fleet.counted(() => work(folder, { operation, resources }));
      const { resources: after, wallMs, cpuMs, peakKiB } = result;
      resources = [...after];
      const states = resources.map(({ inputs, props }) => JSON.stringify({ inputs, props }).length);
      const stateBytes = states.reduce((sum, one) => sum + one, 0);
      points.push({
        ...{ subject: subject.name, operation, size, wallMs, cpuMs, peakKiB, ...traffic },
        ...{ stateBytes, recordBytes: await recordBytes(host) },
      });
      tell(
        `${subject.name}: ${size} ${subject.unit}: ${operation}: ${(wallMs / 1000).toFixed(2)} s, ${(peakKiB / 1024).toFixed(0)} MB`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return points;
}
