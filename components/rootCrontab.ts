import * as plain from "../provider/arguments/rootCrontab";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link RootCrontab}. */
export type RootCrontabArgs = Inputs<plain.RootCrontabArgs>;

/**
 * Comments out lines of root's crontab (guide 2.6). Destroy makes them active again.
 *
 * @owns The lines that it has commented out.
 * @destroy Puts the lines back.
 * @releases Root's crontab runs sendmail's queue up to 5.5; from 5.6 on there is nothing to do.
 *
 * @example
 * ```ts
 * import { RootCrontab } from "pulumi-openbsd-postfix";
 *
 * new RootCrontab("crontab", { connection: { host: "mx1.example.org" } });
 * ```
 */
export class RootCrontab extends Step {
  constructor(...given: Given<RootCrontabArgs>) {
    super(
      { kind: "RootCrontab", schema: plain.rootCrontabArguments, outputs: ["commentOut"] },
      ...given,
    );
    this.registerOutputs({ revision: this.revision });
  }
}
