/** A program that connects, reads, and comes to its end with the connection idle. Arguments: JSON. */
import type { ConnectionArgs } from "../../../provider/arguments/connection";
import { HostPool } from "../../../provider/host/pool";

async function main(): Promise<void> {
  const [args, record] = JSON.parse(process.argv[2] ?? "[]") as [ConnectionArgs, string];
  const pool = new HostPool({ agent: { record }, idleMs: 30_000 });
  const host = await pool.connect(args);
  await host.read({ list: { fact: "list", path: "/" } });
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (pool.knownMachine([host.fingerprint]) === host)
    console.log("connected, 30 s of idleness to go");
}

void main();
