import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/rcConfLocal";
import type { Inputs } from "./inputs";
import { type OnHost, Step } from "./step";

/** Arguments of {@link RcConfLocal}. */
export type RcConfLocalArgs = Inputs<plain.RcConfLocalArgs>;

/**
 * /etc/rc.conf.local (guide 2.5 and 3.1), which decides what starts at boot and where syslogd listens. Comments and the
 * order of lines stay as they are. When its flags change, syslogd is restarted. Destroy undoes only this step's changes.
 */
export class RcConfLocal extends Step {
  constructor(
    name: string,
    args: RcConfLocalArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      {
        kind: "RcConfLocal",
        schema: plain.rcConfLocalArguments,
        outputs: ["boot", "logSocket", "variables", "flags", "packageScripts"],
      },
      name,
      args,
      opts,
    );
    this.registerOutputs({ revision: this.revision });
  }
}
