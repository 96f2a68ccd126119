/** Takes one line about what is going on, for a person to read. */
export type Report = (line: string) => void;

/** Reports on stderr: stdout belongs to the program that is run. */
export const reportOnStderr: Report = (line) => process.stderr.write(`pulumi-cli: ${line}\n`);

/** Runs `work`, and says every 15 seconds that it still runs and what it last said. */
export async function withProgress<T>(
  what: string,
  report: Report,
  work: (note: Report) => Promise<T>,
): Promise<T> {
  const begin = Date.now();
  const elapsed = () => `${Math.round((Date.now() - begin) / 1000)} s`;
  let last = "";
  report(what);
  const timer = setInterval(() => {
    report(`${what}: ${elapsed()}${last && `, ${last}`}`);
  }, 15_000);
  try {
    const result = await work((line) => (last = line));
    report(`${what}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** `fetch` says "fetch failed" and hides the reason in the cause. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hidden = error.message === "fetch failed" && error.cause instanceof Error;
  return hidden ? reason(error.cause) : error.message;
}
