/** The servers that tests answer with: no client may end a file of tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalServer } from "../localServer";

test("a client that goes without having read the answer harms neither the server nor the next client", async () => {
  const folder = mkdtempSync(join(tmpdir(), "local-server-"));
  const path = join(folder, "socket");
  let answered: (socket: Socket) => void = () => undefined;
  const server = await startLocalServer((socket) => {
    socket.on("data", () => socket.write("not read", () => answered(socket)));
  }, path);
  try {
    for (let round = 0; round < 2; round++) {
      const answer = new Promise<Socket>((resolve) => (answered = resolve));
      const client = connect(path, () => client.pause().write("a question"));
      const served = await answer;
      // Not events.once(): that rejects when the socket has an error.
      const closed = new Promise((resolve) => served.once("close", resolve));
      client.destroy();
      await closed;
      expect(served.errored).toMatchObject({ code: "ECONNRESET" });
    }
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});
