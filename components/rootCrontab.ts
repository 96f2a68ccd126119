import * as plain from "../provider/arguments/rootCrontab";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link RootCrontab}. */
export type RootCrontabArgs = Inputs<plain.RootCrontabArgs>;

/** Comments out lines of root's crontab (guide 2.6). Destroy makes them active again. */
export class RootCrontab extends Step {
  constructor(...given: Given<RootCrontabArgs>) {
    super(
      { kind: "RootCrontab", schema: plain.rootCrontabArguments, outputs: ["commentOut"] },
      ...given,
    );
    this.registerOutputs({ revision: this.revision });
  }
}
