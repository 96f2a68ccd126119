import { closeSync, openSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname } from "node:path";
import type { Facts } from "./facts";
import type { Image, Release } from "./image";
import type { Admission, End } from "./sshLine";

/** What a host's keeper can be asked for. */
export type ControlRequest =
  | { readonly do: "counters" }
  | { readonly do: "resetCounters" }
  | { readonly do: "latency"; readonly ms: number }
  | { readonly do: "cut"; readonly from?: End; readonly afterBytes?: number }
  | { readonly do: "admit"; readonly admission: Admission }
  | { readonly do: "freeze"; readonly frozen: boolean }
  | { readonly do: "reboot" }
  | {
      readonly do: "upgrade";
      readonly release: Release;
      readonly image: Image;
      readonly facts: Facts;
    }
  | { readonly do: "stop" };

type ControlReply =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

/** A socket's name in the file system must be shorter than this; unix(7). */
const nameLimit = 107;

/** Serves requests, one JSON text a line, on the unix socket `path`. */
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

/** Asks the keeper that listens on the unix socket `path`. */
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
      socket.on("close", () => reject(new Error("the host's keeper closed the line")));
    });
    if (!reply.ok) throw new Error(reply.error);
    return reply.value;
  });
}

/** Lets a socket's name be as long as its folder's happens to be, through an open descriptor. */
async function withShortName<T>(path: string, use: (name: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= nameLimit) return use(path);
  const folder = dirname(path);
  const descriptor = openSync(folder, "r");
  try {
    return await use(`/proc/self/fd/${descriptor}${path.slice(folder.length)}`);
  } finally {
    closeSync(descriptor);
  }
}
