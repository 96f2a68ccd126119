import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/postfixService";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link PostfixService}. */
export type PostfixServiceArgs = Inputs<plain.PostfixServiceArgs>;

/**
 * The running Postfix (guide 3.4 and 3.5). The step runs `postfix check`, whose reasons it shows, starts Postfix, and waits
 * for the master's lock and the greeting. Later it reloads Postfix, or restarts it where a changed parameter needs that; if
 * this fails, the files with which Postfix last served are put back, and Postfix serves with them again. Destroy stops
 * Postfix if it did not run before.
 *
 * @owns Whether Postfix runs; it reloads or restarts it once when something that it reads has changed.
 * @destroy Stops Postfix if it did not run before.
 *
 * @example
 * ```ts
 * import { MainCf, PostfixService } from "pulumi-openbsd-postfix";
 *
 * const connection = { host: "mx1.example.org" };
 * const main = new MainCf("main", { connection, parameters: { myhostname: "mx1.example.org" } });
 * const service = new PostfixService("postfix", { connection, triggers: [main.revision] });
 *
 * export const banner = service.banner;
 * ```
 */
export class PostfixService extends Step {
  /** Postfix's greeting, as in "220 mx1.example.org ESMTP Postfix". */
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
