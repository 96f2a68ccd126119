/** What the parts of the proof that Postfix serves share. */
import type { HostWriter } from "../host/host";
import type { PostfixProcesses, Process } from "./processes";

/** Why Postfix does not serve. */
export class NotServing extends Error {}

/**
 * A daemon does not run, and did not run before the reload either: master(8) starts a daemon that has failed again after a
 * minute only, and a reload does not change that. So it says nothing of the new files.
 */
export class Throttled extends NotServing {}

export interface Proof {
  readonly host: HostWriter;
  /** master.cf as it is on the host. */
  readonly masterCf: string;
  /** The parameter smtpd_banner. */
  readonly banner: string;
  /** The processes of before the reload or start: they may still work, but not by the files as they are now. */
  readonly former: ReadonlySet<number>;
  /** The daemons that ran before the reload or start. */
  readonly formerDaemons: ReadonlySet<string>;
  /** Looks at Postfix's processes. @throws NotServing where its master has ended */
  readonly now: () => Promise<PostfixProcesses>;
  readonly warn: (text: string) => void;
}

/** The name of the daemon that a child of master(8) is: the last part of its first argument, which master gives it. */
export function daemonOf({ command }: Process): string {
  return /^(?:\S*\/)?([^\s/]+)/.exec(command)?.[1] ?? "";
}

/** How often a proof looks at the processes. */
export const LOOK_MS = 250;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
