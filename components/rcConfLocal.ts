import * as plain from "../provider/arguments/rcConfLocal";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link RcConfLocal}. */
export type RcConfLocalArgs = Inputs<plain.RcConfLocalArgs>;

/**
 * /etc/rc.conf.local (guide 2.5 and 3.1), which decides what starts at boot and where syslogd listens. Comments and the
 * order of lines stay as they are. When its flags change, syslogd is restarted. Destroy undoes only this step's changes.
 *
 * @owns The variables, flags and names in `pkg_scripts` that it needs or is given.
 * @destroy Takes out what it put in.
 * @releases Up to 4.9 `sendmail_flags="-bd"` starts Postfix; from 5.0 on `sendmail_flags=NO`, from 5.6 on
 *   `smtpd_flags=NO`, with `postfix` in `pkg_scripts`. The log socket is needed up to 5.5.
 *
 * @example
 * ```ts
 * import { RcConfLocal } from "pulumi-openbsd-postfix";
 *
 * new RcConfLocal("rc", {
 *   connection: { host: "mx1.example.org" },
 *   variables: { ntpd_flags: "-s" },
 * });
 * ```
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
