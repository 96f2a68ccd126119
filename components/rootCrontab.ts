import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/rootCrontab";
import type { Inputs } from "./inputs";
import { type OnHost, Step } from "./step";

/** Arguments of {@link RootCrontab}. */
export type RootCrontabArgs = Inputs<plain.RootCrontabArgs>;

/** Comments out lines of root's crontab (guide 2.6). Destroy makes them active again. */
export class RootCrontab extends Step {
  constructor(
    name: string,
    args: RootCrontabArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      { kind: "RootCrontab", schema: plain.rootCrontabArguments, outputs: ["commentOut"] },
      name,
      args,
      opts,
    );
    this.registerOutputs({ revision: this.revision });
  }
}
