/** The unix socket on which a host's keeper takes requests: the requests, the server, and the client. */
import { closeSync, openSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname } from "node:path";
import type { Image } from "../image/ensureImage";
import type { Release } from "../image/releases";
import type { Facts } from "./factOverrides";
import type { NetworkOrder } from "./network";
import type { Admission, End, Mishap } from "./sshLine";

/** A request to a host's keeper. `HostLine` and `TestHost` say what each means. */
export type ControlRequest =
  | { readonly do: "counters" }
  | { readonly do: "resetCounters" }
  | { readonly do: "latency"; readonly ms: number }
  | { readonly do: "throttle"; readonly bytesPerSecond?: number }
  | { readonly do: "cut" }
  | {
      readonly do: "mishap";
      readonly then: Mishap;
      readonly from: End;
      readonly afterBytes: number;
    }
  | { readonly do: "disarm" }
  | { readonly do: "admit"; readonly admission: Admission }
  | { readonly do: "freeze"; readonly frozen: boolean }
  | { readonly do: "reboot" }
  | {
      readonly do: "upgrade";
      readonly release: Release;
      readonly image: Image;
      readonly facts: Facts;
    }
  | { readonly do: "network"; readonly order: NetworkOrder }
  | { readonly do: "stop" };

/** The keeper's reply: the result, or the message of the error. */
type ControlReply =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

/** The longest path, in bytes, that a unix socket can have; see unix(7). */
const nameLimit = 107;

/** Serves requests on the unix socket `path`. Requests and replies are JSON, one on each line. */
export async function serveControl(
  path: string,
  answer: (request: ControlRequest) => Promise<unknown>,
): Promise<Server> {
  const server = createServer((socket) => {
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        void answer(JSON.parse(line) as ControlRequest)
          .then((value): ControlReply => ({ ok: true, value: value ?? null }))
          .catch((error: unknown): ControlReply => ({ ok: false, error: String(error) }))
          .then((reply) => socket.write(`${JSON.stringify(reply)}\n`));
      }
    });
  });
  await withShortName(path, async (name) => {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(name, resolve);
    });
  });
  return server;
}

/** Sends a request to the keeper that listens on the unix socket `path`, and returns the result. */
export function askControl(path: string, request: ControlRequest): Promise<unknown> {
  return withShortName(path, async (name) => {
    const reply = await new Promise<ControlReply>((resolve, reject) => {
      const socket = connect(name, () => socket.write(`${JSON.stringify(request)}\n`));
      let text = "";
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (!text.includes("\n")) return;
        socket.end();
        resolve(JSON.parse(text) as ControlReply);
      });
      socket.on("error", reject);
      socket.on("close", () =>
        reject(new Error("the host's keeper closed the connection without a reply")),
      );
    });
    if (!reply.ok) throw new Error(reply.error);
    return reply.value;
  });
}

/** Calls `use` with a name of the socket that is short enough: if `path` is too long, one below /proc/self/fd. */
export async function withShortName<T>(
  path: string,
  use: (name: string) => Promise<T>,
): Promise<T> {
  if (Buffer.byteLength(path) <= nameLimit) return use(path);
  const folder = dirname(path);
  const descriptor = openSync(folder, "r");
  try {
    return await use(`/proc/self/fd/${descriptor}${path.slice(folder.length)}`);
  } finally {
    closeSync(descriptor);
  }
}
