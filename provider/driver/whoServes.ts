/** After a step of the switch has failed, what matters most to its user: who serves mail now. */
import { HostError } from "../host/errors";
import type { Host } from "../host/host";
import type { ServiceKind } from "./service";
import { platformFor } from "./sight";

/** The error of a step of the switch, with who serves now; unchanged where nobody can be asked any more. */
export async function withWhoServes(
  kind: ServiceKind,
  host: Host,
  error: unknown,
): Promise<unknown> {
  if (!kind.traits?.switches || !HostError.isInstance(error) || error.kind === "lost") return error;
  try {
    const who = `Right now ${await kind.service.whoServes(host, platformFor(host))}.`;
    return error.with({ next: error.details.next === "" ? who : `${who} ${error.details.next}` });
  } catch {
    return error;
  }
}
