/** Serves files to the installer by HTTP, at a free port of 127.0.0.1, which a machine of QEMU sees as 10.0.2.2. */
import { createReadStream, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

/** The address by which a machine of QEMU's user network reaches 127.0.0.1 of this one. */
export const gateway = "10.0.2.2";

/** What is served at a path: a file of this machine, or a text. */
export type Served = { readonly file: string } | { readonly text: string };

/** A running server. */
export interface MediaServer {
  readonly port: number;
  close(): void;
}

/** Serves exactly these paths, each beginning with a slash, to whoever asks for them. */
export async function serve(paths: ReadonlyMap<string, Served>): Promise<MediaServer> {
  const server = createServer((request, response) => answer(paths, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(
  paths: ReadonlyMap<string, Served>,
  { method, url = "/" }: IncomingMessage,
  response: ServerResponse,
): void {
  // The installer asks for install.conf with a query, which only a server that makes answers needs.
  const served = paths.get(url.replace(/\?.*$/s, ""));
  if (served === undefined || (method !== "GET" && method !== "HEAD")) {
    response.writeHead(served === undefined ? 404 : 405).end();
    return;
  }
  const length = "file" in served ? statSync(served.file).size : Buffer.byteLength(served.text);
  response.writeHead(200, { "Content-Length": length });
  if (method === "HEAD") response.end();
  else if ("text" in served) response.end(served.text);
  // A reader that goes away is no error of the server's.
  else pipeline(createReadStream(served.file), response, () => undefined);
}
