/** What a transcript keeps of a login: nothing that a password could be made from, whatever the mechanism. */
import { handIn } from "../../provider/postfix/smtpDialogue";
import { startLocalServer } from "../localServer";

const PASSWORD = "a pass word-9911";
const MESSAGE = {
  name: "here",
  sender: "",
  recipient: "alice@localhost",
  text: "Subject: x\r\n\r\nx",
};

/** Talks to a server that offers these mechanisms, and answers each line of a login by the next of `answers`. */
async function dialogue(mechanisms: string, answers: readonly string[]) {
  const heard: string[] = [];
  const left = [...answers];
  const server = await startLocalServer((socket) => {
    socket.write("220 here ESMTP\r\n");
    let text = "";
    let inMessage = false;
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        heard.push(line);
        if (inMessage) {
          if (line !== ".") continue;
          inMessage = false;
          socket.write("250 2.0.0 Ok: queued as AB12\r\n");
        } else if (line.startsWith("EHLO")) socket.write(`250-here\r\n250 AUTH ${mechanisms}\r\n`);
        else if (line === "DATA") {
          inMessage = true;
          socket.write("354 go on\r\n");
        } else if (/^(MAIL|RCPT)/.test(line)) socket.write("250 ok\r\n");
        else socket.write(`${left.shift() ?? "221 bye"}\r\n`);
      }
    });
  });
  try {
    const route = { host: "127.0.0.1", port: server.port };
    const session = { login: { user: "alice", password: PASSWORD } };
    return { ...(await handIn(route, MESSAGE, 5000, session)), heard };
  } finally {
    await server.close();
  }
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test.each([
  ["PLAIN", ["235 ok"], ["> AUTH PLAIN [secret]"]],
  ["LOGIN", ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 ok"], ["> AUTH LOGIN", "> [secret]"]],
  ["CRAM-MD5", [`334 ${base64("<1@here>")}`, "235 ok"], ["> AUTH CRAM-MD5", "> [secret]"]],
])("by %s", async (mechanism, answers, lines) => {
  const { transcript, queueId, heard } = await dialogue(mechanism, answers);
  expect(queueId).toBe("AB12");
  expect(transcript).toEqual(expect.arrayContaining([...lines, "> MAIL FROM:<>"]));
  const sent = heard.slice(1, heard.indexOf("MAIL FROM:<>")).map((line) => line.split(" ").at(-1));
  const kept = transcript.join("\n");
  for (const secret of [PASSWORD, base64(PASSWORD), base64("alice"), ...sent.slice(-1)])
    expect(kept).not.toContain(secret);
});

test("a refusal is one of the login, in the server's words", async () => {
  const { failure, transcript } = await dialogue("PLAIN", ["535 5.7.8 no"]);
  expect(failure).toEqual({ stage: "AUTH", reason: 'the server said "535 5.7.8 no"', code: 535 });
  expect(JSON.stringify([failure, transcript])).not.toContain(base64(`\0alice\0${PASSWORD}`));
});
