import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link RcConfLocal}. */
export interface RcConfLocalArgs {
  /**
   * `"postfix"`: Postfix starts at boot and the base mailer does not, in whichever lines the release needs for it.
   * `"unchanged"`: nothing of that. @defaultValue "postfix"
   */
  readonly boot?: pulumi.Input<"postfix" | "unchanged">;
  /**
   * Whether syslogd(8) opens a log socket in Postfix's chroot. `"auto"`: on releases before 5.6, which need it.
   * @defaultValue "auto"
   */
  readonly logSocket?: pulumi.Input<boolean | "auto">;
  /** Whole variables by name, such as `{ ntpd_flags: "-s" }`. A value is one line without quotes, `#`, `$`, backquote or backslash. */
  readonly variables?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * Single flags inside a variable, such as `{ syslogd_flags: ["-h"] }`: what else it holds stays, be it in
   * rc.conf.local or in rc.conf. A daemon whose flags are `NO` is off, and a flag does not turn it on.
   */
  readonly flags?: pulumi.Input<Record<string, pulumi.Input<pulumi.Input<string>[]>>>;
  /** Names in `pkg_scripts` (from 5.0), each of a script in /etc/rc.d: what else it holds stays. */
  readonly packageScripts?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * /etc/rc.conf.local (guide 2.5 and 3.1): what starts at boot, and where syslogd listens. Edited as text: comments and
 * order stay. syslogd is restarted when its flags changed. Destroy takes out only what this step put in.
 */
export class RcConfLocal extends Step {
  constructor(
    name: string,
    args: RcConfLocalArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "RcConfLocal",
      name,
      args,
      ["boot", "logSocket", "variables", "flags", "packageScripts"],
      opts,
    );
    this.registerOutputs({ revision: this.revision });
  }
}
