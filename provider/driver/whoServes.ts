/** Adding to the error of a failed step of the switch what matters most to its user: which mailer serves now. */
import { HostError } from "../host/errors";
import type { Host } from "../host/host";
import type { ServiceKind } from "./service";
import { platformFor } from "./sight";

/** The error of a step of the switch, with the mailer that serves now; unchanged where the host can no longer be asked. */
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
