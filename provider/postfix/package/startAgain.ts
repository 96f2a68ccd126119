/** Starting the Postfix that was stopped so that its package could be replaced. */
import { HostError } from "../../host/errors";
import type { HostWriter } from "../../host/host";
import { waitUntil } from "../../host/programs";
import { isPostfixRunning, startPostfix } from "../running";
import type { PackageWork } from "./packageWork";

/** Starts Postfix where the note says that it ran before. */
export async function startAgain(host: HostWriter, work: PackageWork): Promise<void> {
  if (!work.note().under?.restart || (await isPostfixRunning(host))) return;
  work.progress("start Postfix");
  await startPostfix(host, work.platform);
  await waitUntil(host, "Postfix's master to take its lock", () => isPostfixRunning(host), 20_000);
  await host.disarm();
}

/** Starts Postfix where it ran before, and adds to the error whether it serves now. */
export async function withPostfixStarted(
  host: HostWriter,
  error: HostError,
  work: PackageWork,
): Promise<HostError> {
  if (!work.note().under?.restart) return error;
  try {
    await startAgain(host, work);
    return error.with({ reason: `${error.reason.trimEnd()}\nPostfix serves again.\n` });
  } catch (second) {
    const why = HostError.isInstance(second) ? second.summary : String(second);
    return error.with({ reason: `${error.reason.trimEnd()}\nPostfix is stopped: ${why}\n` });
  }
}
