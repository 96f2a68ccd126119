import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/rootCrontab";
import type { Inputs } from "./inputs";
import { type OnHost, Step } from "./step";

/** Arguments of {@link RootCrontab}. */
export type RootCrontabArgs = Inputs<plain.RootCrontabArgs>;

/** Lines of root's crontab commented out (guide 2.6). They come back on destroy. */
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
