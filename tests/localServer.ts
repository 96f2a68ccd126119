/** Servers of this process, for tests that answer a client themselves. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface LocalServer {
  /** Port on 127.0.0.1; 0 if it listens on a unix socket. */
  readonly port: number;
  /** Ends the server with all its connections. */
  close(): Promise<void>;
}

/**
 * Starts a server that does `serve` to each connection, on a free port of 127.0.0.1 or on the unix socket `path`.
 *
 * A client that goes without having read everything resets the connection (`read ECONNRESET`, which on a unix socket
 * is so for any unread byte). Without a listener, that error would end the whole file of tests: each socket has one here.
 */
export async function startLocalServer(
  serve: (socket: Socket) => void,
  path?: string,
): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (path === undefined) server.listen(0, "127.0.0.1", () => resolve());
    else server.listen(path, () => resolve());
  });
  return {
    port: path === undefined ? (server.address() as AddressInfo).port : 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
