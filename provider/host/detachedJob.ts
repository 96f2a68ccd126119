/**
 * Jobs: programs on the host that outlive the connection. A job has a key, by which a later run finds it, waits for
 * it and gets its result. Its files stay on the host until the job is forgotten.
 */
import { lastLines } from "../values/readable";
import { HostError } from "./errors";
import { contentsOf, type HostReader, type HostWriter, type JobRequest } from "./host";
import { file, lookAt, stat } from "./look";
import { RECORD_FOLDER } from "./record";
import { until } from "./programs";

/** The folder of the jobs, each in a folder that its key names. */
export const JOBS = `${RECORD_FOLDER}/jobs`;

export function jobLog(key: string): string {
  return `${JOBS}/${key}/log`;
}

/** A file that is made when the job ends: a newer file is not the work of the job. */
export function jobEndMark(key: string): string {
  return `${JOBS}/${key}/status`;
}

/** A file that is made when the job begins: an older file is not the work of the job. */
export function jobMark(key: string): string {
  return `${JOBS}/${key}/pid`;
}

export interface JobEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The end of its log. */
  readonly log: string;
}

export interface Watch {
  /** Called at most once a second with the end of the log. */
  readonly progress?: (log: string) => void;
  /** Called now and then; when it returns an error, the job is stopped, and the error thrown. */
  readonly giveUp?: (log: string) => Promise<HostError | undefined>;
  /** After this time waiting ends with an error, while the job goes on. */
  readonly timeoutMs: number;
}

const KEPT_LOG = 65_536;

/** How much of the log an answer may have (agent.pl). */
const MOST_LOG = 1024 * 1024;

/** How long the host waits with its answer for the end of a job. */
const POLL_MS = 1000;

/** Arguments as in the file `argv` that the agent writes for a job. */
function argvFile(argv: readonly string[]): string {
  return argv.map((word) => `${word.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}\n`).join("");
}

/** An offset after the end of any log, for a poll that wants the state alone. */
const PAST_THE_END = 1e12;

export type JobSight = "none" | "running" | "ended" | "lost";

/** The state of a job; "lost" when its end left no trace, as after a crash of the host. */
export async function jobSight(host: HostWriter, key: string): Promise<JobSight> {
  return (await anyJob(host, key)) ? (await host.pollJob(key, PAST_THE_END)).state : "none";
}

/** Whether a job of this key is running with just these arguments. */
export async function isRunning(
  host: HostWriter,
  { key, argv }: Pick<JobRequest, "key" | "argv">,
): Promise<boolean> {
  if ((await jobSight(host, key)) !== "running") return false;
  return contentsOf(await lookAt(host, file(`${JOBS}/${key}/argv`))) === argvFile(argv);
}

/** Starts a job unless it has been started already, and waits for its end. */
export async function runJob(host: HostWriter, job: JobRequest, watch: Watch): Promise<JobEnd> {
  await host.startJob(job);
  return waitForJob(host, job.key, watch);
}

/** The error for a connection that broke, with the note that the job goes on. */
function goesOn(error: unknown, key: string): unknown {
  if (!HostError.isInstance(error) || error.kind !== "lost") return error;
  return error.with({
    next: `The job continues on the host, with its log in ${jobLog(key)}; the next \`pulumi up\` waits for it`,
  });
}

/** Waits for the end of a job that has been started. */
export async function waitForJob(host: HostWriter, key: string, watch: Watch): Promise<JobEnd> {
  const end = Date.now() + watch.timeoutMs;
  let offset = 0;
  let log = "";
  let reported = 0;
  for (;;) {
    // The host answers as soon as the job has ended, and else in time for progress to be shown.
    const now = await host.pollJob(key, offset, POLL_MS).catch((error: unknown) => {
      throw goesOn(error, key);
    });
    offset = now.offset;
    log = (log + now.log).slice(-KEPT_LOG);
    if (now.state !== "running") {
      // The rest of the log may be longer than one answer.
      if (now.log.length >= MOST_LOG) continue;
      if (now.state === "ended") return { ...now, log };
      throw lostJob(host, key, log);
    }
    if (Date.now() - reported >= 1000) {
      reported = Date.now();
      watch.progress?.(log);
    }
    const reason = await watch.giveUp?.(log);
    if (reason) {
      await stopJob(host, key);
      throw reason;
    }
    if (Date.now() > end) throw endlessJob(host, key, log, watch);
  }
}

function lostJob(host: HostReader, key: string, log: string): HostError {
  return new HostError("program", {
    host: host.address,
    during: `the job ${key}`,
    reason: `it no longer runs, and how it ended is not known:\n${lastLines(log)}`,
    changed: "unknown",
    next: "Run `pulumi up` again, which starts it anew.",
  });
}

function endlessJob(host: HostReader, key: string, log: string, { timeoutMs }: Watch): HostError {
  return new HostError("deadline", {
    host: host.address,
    during: `waiting for the job ${key}`,
    reason: `it has not ended within ${Math.round(timeoutMs / 60_000)} minutes; its last output is:\n${lastLines(log)}`,
    changed: "unknown",
    next: `It goes on, with its log in ${jobLog(key)}. The next \`pulumi up\` waits for it again.`,
  });
}

/** Ends a job and all its processes, and forgets it. */
export async function stopJob(host: HostWriter, key: string): Promise<void> {
  await endJob(host, key);
  await forgetJob(host, key);
}

/** Ends a job and all its processes; its files stay. */
export async function endJob(host: HostWriter, key: string): Promise<void> {
  if ((await jobSight(host, key)) === "running") {
    const supervisor = (contentsOf(await lookAt(host, file(jobMark(key)))) ?? "").trim();
    if (/^\d+$/.test(supervisor)) {
      const { stdout } = await host.run({ argv: ["/usr/bin/pgrep", "-P", supervisor] });
      // The program and its children are a process group (setsid(2)). Perl ends it, because a kill(1) that took the
      // negative number for a signal would end all processes.
      for (const leader of stdout.split(/\s+/).filter((word) => /^\d+$/.test(word)))
        await host.run({ argv: ["/usr/bin/perl", "-e", 'kill "TERM", -$ARGV[0]', leader] });
    }
    await until(async () => (await jobSight(host, key)) !== "running", 20_000);
  }
}

/** Removes the files of a job that has ended. */
export async function forgetJob(host: HostWriter, key: string): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await host.forgetJob(key);
      return;
    } catch (error) {
      // The supervisor (agent.pl) lives for a moment after it has written how the program ended.
      if (!HostError.isInstance(error) || error.kind !== "refused" || tries > 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

/** Whether the host has files of a job. */
export async function anyJob(host: HostReader, key: string): Promise<boolean> {
  const mark = await lookAt(host, stat(jobMark(key)));
  return mark.type !== "absent";
}
