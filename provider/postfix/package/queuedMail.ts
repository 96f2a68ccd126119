/** Mail in Postfix's queue, which must not be lost with the package unless the user allows it. */
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { Look, lookAt, printed, probe, stat } from "../../host/look";
import { runOrFail } from "../../host/programs";
import { lastLines } from "../../values/readable";
import { PROGRAMS, QUEUE } from "../paths";

const QUEUES = ["maildrop", "incoming", "active", "deferred", "hold"].map(
  (name) => `${QUEUE}/${name}`,
);

/** @throws HostError of kind "refused" while there is mail in the queue. */
export async function refuseToLoseMail(host: HostWriter): Promise<void> {
  const found = await lookAt(host, Look.each(QUEUES, stat));
  const present = QUEUES.filter((path) => found[path]?.type === "directory");
  if (present.length === 0) return;
  // find(1), because postqueue(1) shows nothing of the queue when main.cf is broken or gone.
  const { stdout } = await runOrFail(host, "look for queued mail", {
    argv: ["/usr/bin/find", ...present, "-type", "f"],
    timeoutMs: 300_000,
  });
  if (stdout.trim() === "") return;
  const listed = printed(await lookAt(host, probe([PROGRAMS.postqueue, "-p"]))) ?? stdout;
  throw new HostError("refused", {
    host: host.address,
    during: "removing Postfix",
    reason: `there is still mail in its queue:\n${lastLines(listed, 20)}\n`,
    changed: "no",
    next: "`pulumi up` sets Postfix up again and has it deliver this mail; `discardQueue: true` loses it. After one of these, run `pulumi destroy` again.",
  });
}
