/** What goes wrong during an operation, and when: at a request of the client to the agent, or at a byte of the line. */
import { HostError } from "../../provider/host/errors";
import { AgentSession } from "../../provider/host/agentSession";
import type { TestHost } from "../../testing";
import type { End } from "../../testing/host/sshLine";

/** What goes wrong at a request. */
export type Incident =
  /** The line is cut before the request is sent. */
  | { readonly what: "cut before" }
  /** The request is carried out, and the line is cut before its answer comes. */
  | { readonly what: "cut unanswered" }
  /** The request is answered, and the line is cut then. */
  | { readonly what: "cut after" }
  /** SIGKILL for the agent, or for the sshd processes of the connection, when the request is on its way. */
  | { readonly what: "kill"; readonly program: "agent" | "sshd" }
  /** From here to the end of the operation the file system takes nothing new. */
  | { readonly what: "disk"; readonly how: Disk; readonly folder: string }
  /** Somebody else writes a file of the host. */
  | { readonly what: "edit"; readonly by: By };

/** How an admin writes a file: a new one in its place, or over itself. */
export type By = "rename" | "in place";

/** How a file system takes nothing new: no blocks, no inodes, or mounted read-only. */
export type Disk = "full" | "no inodes" | "read-only";

export type Fault =
  | { readonly request: number; readonly incident: Incident }
  | { readonly byte: number; readonly from: End; readonly mishap: "cut" | "corrupt" };

/** Does what the host itself has to do for an incident. */
export interface Saboteur {
  disk(how: Disk, folder: string): Promise<void>;
  edit(by: By): Promise<void>;
}

type Request = AgentSession["request"];
const send: Request = Reflect.get(AgentSession.prototype, "request");

/** The fault of the operation under way. There is one at a time in a process. */
let armed:
  | { readonly host: TestHost; readonly fault: Fault; readonly saboteur: Saboteur; seen: number }
  | undefined;
/** Whether the armed fault has struck. */
let struck = false;
/** Requests since the last {@link arm} or {@link countRequests}. */
let requests = 0;

/** Settles when what is done before a request is sent has been done: those after it stay behind it. */
let held: Promise<void> = Promise.resolve();
let isHeld = false;

/** Requests that are not answered yet. */
const open = new Set<Promise<unknown>>();

function sent(reply: ReturnType<Request>): ReturnType<Request> {
  open.add(reply);
  const forget = (): boolean => open.delete(reply);
  reply.then(forget, forget);
  return reply;
}

/** Does something once the requests before it are answered, and before those after it are sent. */
async function holding(work: () => Promise<void>): Promise<void> {
  isHeld = true;
  const done = Promise.allSettled([...open]).then(work);
  held = done.catch(() => undefined).then(() => void (isHeld = false));
  return done;
}

AgentSession.prototype.request = function (this: AgentSession, op, values, options) {
  // Signs of life come whenever they like, and a greeting belongs to no operation.
  if (op === "ping" || op === "hello") return send.call(this, op, values, options);
  requests += 1;
  if (armed === undefined || !("request" in armed.fault) || ++armed.seen !== armed.fault.request)
    return isHeld
      ? held.then(() => sent(send.call(this, op, values, options)))
      : sent(send.call(this, op, values, options));
  const { host, saboteur } = armed;
  const { incident } = armed.fault;
  struck = true;
  return strike(
    host,
    saboteur,
    incident,
    this,
    () => send.call(this, op, values, options),
    options,
  );
};

async function strike(
  host: TestHost,
  saboteur: Saboteur,
  incident: Incident,
  session: AgentSession,
  request: () => ReturnType<Request>,
  options: Parameters<Request>[2],
): ReturnType<Request> {
  switch (incident.what) {
    case "cut before":
      await holding(() => cut(host, session));
      return request();
    case "cut unanswered":
      await request().catch(() => undefined);
      await cut(host, session);
      throw new HostError("lost", {
        host: `root@${host.host}:${host.port}`,
        during: options.during,
        reason: "the answer was lost with the connection",
        changed: options.changed?.("lost") ?? "no",
        next: "Run it again",
        retriable: true,
      });
    case "cut after": {
      const answer = await request();
      await cut(host, session);
      return answer;
    }
    case "kill": {
      const answer = request();
      await kill(host, incident.program);
      return answer;
    }
    case "disk":
      await holding(() => saboteur.disk(incident.how, incident.folder));
      return request();
    case "edit":
      await holding(() => saboteur.edit(incident.by));
      return request();
  }
}

/** Cuts the line, and waits until the client has noticed. */
async function cut(host: TestHost, session: AgentSession): Promise<void> {
  const gone = new Promise<void>((resolve) => session.onGone(() => resolve()));
  await host.line.cut();
  await gone;
}

/** By what stands first in the titles of the processes. */
const TITLES = { agent: "perl\\0-\\0", sshd: "sshd: " };

async function kill(host: TestHost, program: "agent" | "sshd"): Promise<void> {
  await host.exec([
    "/usr/bin/perl",
    "-e",
    `for (glob "/proc/[0-9]*/cmdline") {
      open my $file, "<", $_ or next;
      my $title = join "", <$file>;
      kill "KILL", m{(\\d+)} if index($title, "${TITLES[program]}") == 0;
    }`,
  ]);
}

/** Lets a fault strike during the next operation on the host. */
export async function arm(host: TestHost, fault: Fault, saboteur: Saboteur): Promise<void> {
  armed = { host, fault, saboteur, seen: 0 };
  struck = false;
  requests = 0;
  if (!("byte" in fault)) return;
  if (fault.mishap === "cut") await host.line.cut({ from: fault.from, bytes: fault.byte });
  else await host.line.corrupt({ from: fault.from, bytes: fault.byte });
}

/** Takes the fault back. Returns whether it has struck, as far as that is known: a mishap of the line may have. */
export async function disarm(): Promise<boolean> {
  const fault = armed;
  armed = undefined;
  if (fault === undefined || !("byte" in fault.fault)) return struck;
  await fault.host.line.disarm();
  return true;
}

/** The requests that some work makes. */
export async function countRequests(work: () => Promise<unknown>): Promise<number> {
  requests = 0;
  await work();
  return requests;
}
