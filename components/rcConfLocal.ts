import * as plain from "../provider/arguments/rcConfLocal";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link RcConfLocal}. */
export type RcConfLocalArgs = Inputs<plain.RcConfLocalArgs>;

/**
 * /etc/rc.conf.local (guide 2.5 and 3.1), which decides what starts at boot and where syslogd listens. Comments and the
 * order of lines stay as they are. When its flags change, syslogd is restarted. Destroy undoes only this step's changes.
 */
export class RcConfLocal extends Step {
  constructor(...given: Given<RcConfLocalArgs>) {
    super(
      {
        kind: "RcConfLocal",
        schema: plain.rcConfLocalArguments,
        outputs: ["boot", "logSocket", "variables", "flags", "packageScripts"],
      },
      ...given,
    );
    this.registerOutputs({ revision: this.revision });
  }
}
