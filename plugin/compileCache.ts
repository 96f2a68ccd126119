/** Keeps what Node compiles for the next process, where Node can do that (22.10 and later). */
import { mkdirSync } from "node:fs";
import Module from "node:module";
import { join } from "node:path";
import { cacheFolder } from "../testing/machine/folders";

/** What newer releases of Node than the oldest supported one have (https://nodejs.org/api/module.html#module-compile-cache). */
interface CompileCache {
  readonly enableCompileCache?: (folder: string) => unknown;
  readonly flushCompileCache?: () => void;
}

/**
 * Uses the cache for all modules that are loaded from now on. It is in the user's own folder: Node would use one in /tmp,
 * which somebody else on the machine could have made before. Node writes it when the process ends by itself, but the
 * engine ends it by SIGINT: so it is written then, and the signal ends the process as it would have done.
 */
export function keepCompiled(): void {
  const { enableCompileCache, flushCompileCache } = Module as typeof Module & CompileCache;
  if (enableCompileCache === undefined || flushCompileCache === undefined) return;
  const folder = join(cacheFolder(), "compiled");
  try {
    // Whoever writes here decides what runs in the next process.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // A home that cannot be written to is no reason not to start.
    return;
  }
  enableCompileCache(folder);
  process.once("SIGINT", () => {
    flushCompileCache();
    // A provider of the user's program that listens as well decides by itself when to end.
    if (process.listenerCount("SIGINT") === 0) process.kill(process.pid, "SIGINT");
  });
}
