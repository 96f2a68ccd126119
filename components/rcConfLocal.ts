import * as plain from "../provider/arguments/rcConfLocal";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link RcConfLocal}. */
export type RcConfLocalArgs = Inputs<plain.RcConfLocalArgs>;

/**
 * /etc/rc.conf.local (guide 2.5 and 3.1): what starts at boot, and where syslogd listens. Edited as text: comments and
 * order stay. syslogd is restarted when its flags changed. Destroy takes out only what this step put in.
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
