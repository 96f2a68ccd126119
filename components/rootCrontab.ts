import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link RootCrontab}. */
export interface RootCrontabArgs {
  /**
   * Patterns: every active line of root's crontab that contains one of them is commented out. A pattern is a text, or
   * a regular expression between slashes, as in `"/sm-msp-queue +-Ac/"`.
   * @defaultValue sendmail's clientmqueue runner on releases that have it (before 5.6); nothing on the others
   */
  readonly commentOut?: pulumi.Input<pulumi.Input<string>[]>;
}

/** Lines of root's crontab commented out (guide 2.6). They come back on destroy. */
export class RootCrontab extends Step {
  constructor(
    name: string,
    args: RootCrontabArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("RootCrontab", name, args, ["commentOut"], opts);
    this.registerOutputs({ revision: this.revision });
  }
}
