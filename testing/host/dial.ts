/** Opens TCP connections into a host from any address, by way of the host's network (network.ts). */
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { withShortName } from "./controlSocket";
import { mustBeAddress } from "./network";

/** How a connection into a host is made. */
export interface DialOptions {
  /** The IPv4 address to come from. The host need not have heard of it. @default "192.0.2.9" */
  readonly from?: string;
  /** The address on the host to connect to. @default the first that `reach` gave the host, otherwise 127.0.0.1 */
  readonly to?: string;
}

/** Opens a connection into the host behind a socket, which the host's network made. */
export function dialInto(
  socket: string,
  port: number,
  { from, to }: Required<DialOptions>,
): Promise<Duplex> {
  for (const address of [from, to]) mustBeAddress(address);
  return withShortName(socket, (name) => {
    return new Promise((resolve, reject) => {
      const connection = connect(name, () => connection.write(`${from} ${to} ${port}\n`));
      let answer = "";
      const listen = (): void => {
        // Byte by byte, because what follows the line is not for us.
        for (;;) {
          const byte = connection.read(1) as Buffer | null;
          if (byte === null) return;
          answer += byte.toString("latin1");
          if (answer.endsWith("\n")) break;
        }
        connection.off("readable", listen);
        if (answer === "ok\n") resolve(connection);
        else connection.destroy(new Error(`${to}:${port} from ${from}: ${answer.trim()}`));
      };
      connection.on("readable", listen);
      // These stay, so that an error of a connection that nobody listens to ends no process.
      connection.on("error", reject);
      connection.on("close", () => reject(new Error(`${to}:${port}: the host is gone`)));
    });
  });
}
