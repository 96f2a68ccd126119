/** After a step of the switch has failed, what matters most to its user: who serves mail now. */
import { HostError } from "../host/errors";
import type { Host } from "../host/host";
import type { AnyKind } from "../kind/kind";
import { whoRuns } from "../postfix/serving";
import { platformFor } from "./plan";

/** The error, with who serves in it; as it is where nobody can be asked any more. */
export async function withWhoServes(kind: AnyKind, host: Host, error: unknown): Promise<unknown> {
  if (!kind.switches || !HostError.isInstance(error) || error.kind === "lost") return error;
  try {
    const who = `Right now ${await whoRuns(host, platformFor(host))}.`;
    return error.with({ next: error.details.next === "" ? who : `${who} ${error.details.next}` });
  } catch {
    return error;
  }
}
