/**
 * Programs that must outlive the connection. A job is started under a key; whoever comes back after a cut finds it
 * by that key, goes on waiting for it, and gets its result. Its log stays on the host until the job is forgotten.
 */
import { lastLines } from "../values/readable";
import { HostError } from "./errors";
import { contentsOf, type HostReader, type HostWriter, type JobRequest } from "./host";
import { file, lookAt, stat } from "./look";
import { RECORD_FOLDER } from "./record";
import { until } from "./programs";

/** Where the agent keeps its jobs. */
export const JOBS = `${RECORD_FOLDER}/jobs`;

export function jobLog(key: string): string {
  return `${JOBS}/${key}/log`;
}

/** Comes when the job has ended: what is newer than it was not made by the job. */
export function jobEndMark(key: string): string {
  return `${JOBS}/${key}/status`;
}

/** Changes its status when the job begins: what is newer was made by the job, or after it. */
export function jobMark(key: string): string {
  return `${JOBS}/${key}/pid`;
}

export interface JobEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The end of what it wrote. */
  readonly log: string;
}

export interface Watch {
  /** Told about once a second, at most, what was written so far. */
  readonly progress?: (log: string) => void;
  /** Asked as often: an error ends the waiting, after the job was stopped. */
  readonly giveUp?: (log: string) => Promise<HostError | undefined>;
  /** After so long the waiting ends with an error; the job goes on. */
  readonly timeoutMs: number;
}

const KEPT_LOG = 65_536;

/** Escapes as in the agent's file `argv`. */
function words(argv: readonly string[]): string {
  return argv.map((word) => `${word.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}\n`).join("");
}

/** An offset in no log: only the state is wanted. */
const PAST_THE_END = 1e12;

export type JobSight = "none" | "running" | "ended" | "lost";

/** What is known of a job on the host; "lost" when the host died with it. */
export async function jobSight(host: HostWriter, key: string): Promise<JobSight> {
  const mark = await lookAt(host, stat(jobMark(key)));
  return mark.type === "absent" ? "none" : (await host.pollJob(key, PAST_THE_END)).state;
}

/** Is a job of this key running with these very arguments? */
export async function isRunning(
  host: HostWriter,
  { key, argv }: Pick<JobRequest, "key" | "argv">,
): Promise<boolean> {
  if ((await jobSight(host, key)) !== "running") return false;
  return contentsOf(await lookAt(host, file(`${JOBS}/${key}/argv`))) === words(argv);
}

/** Starts the job, or finds the one that runs already, and waits until it has ended. */
export async function runJob(host: HostWriter, job: JobRequest, watch: Watch): Promise<JobEnd> {
  await host.startJob(job);
  return waitForJob(host, job.key, watch);
}

/** A connection that is lost takes no job with it: the error says so. */
function goesOn(error: unknown, key: string): unknown {
  if (!HostError.isInstance(error) || error.kind !== "lost") return error;
  return error.with({
    next: `What was started goes on there, with its log in ${jobLog(key)}; the next \`pulumi up\` waits for it`,
  });
}

/** Waits for a job that was started before. */
export async function waitForJob(host: HostWriter, key: string, watch: Watch): Promise<JobEnd> {
  const end = Date.now() + watch.timeoutMs;
  let offset = 0;
  let log = "";
  let told = 0;
  for (let pause = 100; ; pause = Math.min(pause * 1.5, 1000)) {
    const now = await host.pollJob(key, offset).catch((error: unknown) => {
      throw goesOn(error, key);
    });
    const grown = now.offset > offset;
    offset = now.offset;
    log = (log + now.log).slice(-KEPT_LOG);
    if (now.state === "ended" && !grown) return { ...now, log };
    if (now.state === "lost" && !grown)
      throw new HostError("program", {
        host: host.address,
        during: `the job ${key}`,
        reason: `nothing runs any more, and nothing says how it ended:\n${lastLines(log)}`,
        changed: "unknown",
        next: "Run `pulumi up` again: it is then started anew.",
      });
    // What has ended, or goes no more, has written no more than can be fetched at once.
    if (grown && now.state !== "running") continue;
    if (grown) pause = 100;
    if (Date.now() - told >= 1000) {
      told = Date.now();
      watch.progress?.(log);
    }
    const reason = await watch.giveUp?.(log);
    if (reason) {
      await stopJob(host, key);
      throw reason;
    }
    if (Date.now() > end)
      throw new HostError("deadline", {
        host: host.address,
        during: `waiting for the job ${key}`,
        reason: `it has not ended within ${Math.round(watch.timeoutMs / 60_000)} minutes; last it wrote:\n${lastLines(log)}`,
        changed: "unknown",
        next: `It goes on, with its log in ${jobLog(key)}. The next \`pulumi up\` waits for it again.`,
      });
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Ends a job with all that it started, and forgets it. */
export async function stopJob(host: HostWriter, key: string): Promise<void> {
  await endJob(host, key);
  await forgetJob(host, key);
}

/** Ends a job with all that it started; what it wrote stays. */
export async function endJob(host: HostWriter, key: string): Promise<void> {
  if ((await jobSight(host, key)) === "running") {
    const supervisor = (contentsOf(await lookAt(host, file(jobMark(key)))) ?? "").trim();
    if (/^\d+$/.test(supervisor)) {
      const { stdout } = await host.run({ argv: ["/usr/bin/pgrep", "-P", supervisor] });
      // The program leads a process group of its own (setsid(2)); its children are in it. Not kill(1): one that
      // takes the group's number for a signal would end everything.
      for (const leader of stdout.split(/\s+/).filter((word) => /^\d+$/.test(word)))
        await host.run({ argv: ["/usr/bin/perl", "-e", 'kill "TERM", -$ARGV[0]', leader] });
    }
    await until(async () => (await jobSight(host, key)) !== "running", 20_000);
  }
}

/** Clears away what is left of a job that has ended. */
export async function forgetJob(host: HostWriter, key: string): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await host.forgetJob(key);
      return;
    } catch (error) {
      // Its supervisor lives for a moment after it has written down how the program ended.
      if (!HostError.isInstance(error) || error.kind !== "refused" || tries > 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

/** Does anything of a job lie on the host? For those that only look. */
export async function anyJob(host: HostReader, key: string): Promise<boolean> {
  const mark = await lookAt(host, stat(jobMark(key)));
  return mark.type !== "absent";
}
