/** Asks an ssh-agent which keys it holds (draft-ietf-sshm-ssh-agent). ssh2 leaves out what it cannot use, and waits for ever. */
import { connect } from "node:net";
import type { ParsedKey } from "ssh2";
import { reasonOf } from "../errors";
import { keyTypeOf } from "./knownHosts";
import { ssh2 } from "./libraries";

const requestIdentities = 11;
const identitiesAnswer = 12;
/** The longest message of OpenSSH's agent (MAX_AGENT_REPLY_LEN). */
const maxAnswer = 256 * 1024;
const agentTimeoutMs = 5_000;

/** The types of the keys that an agent holds, or why they are unknown. It has five seconds, and not past `until`. */
export function agentKeyTypes(socket: string, until: number): Promise<readonly string[] | string> {
  return new Promise((resolve) => {
    const waitMs = Math.max(1, Math.min(agentTimeoutMs, until - Date.now()));
    const timer = setTimeout(() => done("it does not answer"), waitMs);
    let end: () => void = () => undefined;
    const done = (answer: readonly string[] | string): void => {
      clearTimeout(timer);
      end();
      resolve(answer);
    };
    // PuTTY's agent is no socket; ssh2 knows how to ask it.
    if (socket === "pageant") {
      ssh2()
        .createAgent(socket)
        .getIdentities((error, keys) =>
          done(error ? reasonOf(error) : (keys ?? []).map((key) => (key as ParsedKey).type)),
        );
      return;
    }
    const line = connect(socket);
    end = () => line.destroy();
    let heard = Buffer.alloc(0);
    line.on("error", (error) => done(reasonOf(error)));
    line.on("close", () => done("it hangs up"));
    line.on("connect", () => line.write(Buffer.from([0, 0, 0, 1, requestIdentities])));
    line.on("data", (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      const types = identityTypes(heard);
      if (types !== undefined) done(types);
    });
  });
}

/** The types in an agent's answer; `undefined` while it is not complete. */
function identityTypes(heard: Buffer): readonly string[] | string | undefined {
  if (heard.length < 4) return undefined;
  const length = heard.readUInt32BE();
  if (length > maxAnswer) return "its answer cannot be understood";
  if (heard.length < 4 + length) return undefined;
  const body = heard.subarray(4, 4 + length);
  if (body[0] !== identitiesAnswer || body.length < 5) return "it refuses to list its keys";
  const types: string[] = [];
  // Each key is two strings: its blob, whose first string is its type, and a comment.
  let at = 5;
  for (let left = body.readUInt32BE(1); left > 0; left--) {
    const fields: Buffer[] = [];
    for (const _ of ["blob", "comment"]) {
      if (at + 4 > body.length) return "its answer cannot be understood";
      const end = at + 4 + body.readUInt32BE(at);
      if (end > body.length) return "its answer cannot be understood";
      fields.push(body.subarray(at + 4, end));
      at = end;
    }
    types.push(keyTypeOf(fields[0] ?? Buffer.alloc(0)));
  }
  return types;
}
