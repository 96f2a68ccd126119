/** The machine that a bench runs on. */
import { cpus, loadavg, totalmem } from "node:os";
import type { Machine } from "./figures";

/** The machine as it is now; its load is the same at the beginning and at the end. */
export function machineNow(): Machine {
  const [load = 0] = loadavg();
  return {
    cores: cpus().length,
    model: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: [load, load],
  };
}
