import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/postfixService";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link PostfixService}. */
export type PostfixServiceArgs = Inputs<plain.PostfixServiceArgs>;

/**
 * Postfix running (guide 3.4 and 3.5): `postfix check` with its reasons shown, start, proven by the master lock and the
 * banner. Reloaded, or restarted where a changed parameter needs that; if that
 * fails, what Postfix served by before is put back and serves again. Stopped on destroy if it did not run before.
 */
export class PostfixService extends Step {
  /** The first line on port 25, as in "220 mx1.example.org ESMTP Postfix". */
  readonly banner: pulumi.Output<string>;
  /** Postfix's version, as in "3.7.11". */
  readonly version: pulumi.Output<string>;

  constructor(...given: Given<PostfixServiceArgs>) {
    super(
      {
        kind: "PostfixService",
        schema: plain.postfixServiceArguments,
        outputs: ["banner", "version", "running", "pending"],
      },
      ...given,
    );
    this.banner = this.resource.output("banner");
    this.version = this.resource.output("version");
    this.registerOutputs({ banner: this.banner, version: this.version });
  }
}
