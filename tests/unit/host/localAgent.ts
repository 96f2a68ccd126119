/** The real agent as a local child process: the same program as on a host, without SSH. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentClient, type AgentOptions } from "../../../provider/host/agentClient";
import type { ProgramEnd, RemoteProgram } from "../../../provider/host/ssh/transport";

/** A child process as what a transport gives. */
export function asRemoteProgram(child: ChildProcessWithoutNullStreams): RemoteProgram {
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal: signal?.slice(3) ?? null }));
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    close: () => {
      child.stdin.destroy();
    },
  };
}

export interface LocalAgent {
  readonly client: AgentClient;
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the process is gone. */
  readonly gone: Promise<ProgramEnd>;
}

/** A folder for one test, removed by `clean`. */
export class Sandbox {
  readonly path = mkdtempSync(join(tmpdir(), "agent-test-"));
  readonly record = join(this.path, "record");
  private readonly agents: LocalAgent[] = [];

  /** `prelude`: what a shell does before it becomes the agent, as `ulimit`. */
  async agent(options: Partial<AgentOptions> = {}, prelude = ""): Promise<LocalAgent> {
    const child =
      prelude === ""
        ? spawn("perl", ["-"], { stdio: "pipe" })
        : spawn("sh", ["-c", `${prelude}; exec perl -`], { stdio: "pipe" });
    const program = asRemoteProgram(child);
    const client = await AgentClient.start(program, {
      address: "root@test:22",
      fingerprint: "SHA256:test",
      record: this.record,
      ...options,
    });
    const agent = { client, child, gone: program.ended };
    this.agents.push(agent);
    return agent;
  }

  in(...names: string[]): string {
    return join(this.path, ...names);
  }

  async clean(): Promise<void> {
    for (const agent of this.agents) agent.client.close();
    await Promise.all(this.agents.map((agent) => agent.gone));
    rmSync(this.path, { recursive: true, force: true });
  }
}
