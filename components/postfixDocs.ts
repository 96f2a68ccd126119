import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/postfixDocs";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link PostfixDocs}. */
export type PostfixDocsArgs = Inputs<plain.PostfixDocsArgs>;

/**
 * The HTML manual that comes with the package, copied to a web root (guide 2.2) as a managed tree: missing, changed and
 * extra files are drift, and are repaired. So a file that is put into the folder by hand is removed by the next update.
 *
 * What stood at the path before is moved aside, whole, into a hidden folder beside it that only root can enter. Destroy
 * removes the manual, puts that back, and removes the folders above it that came with it and are empty. A file that
 * was added or changed since the last update is left there, and named. Whether a web server serves the folder is its
 * own configuration's matter.
 */
export class PostfixDocs extends Step {
  /** Where the manual is. */
  readonly path: pulumi.Output<string>;
  /** How many files it has. */
  readonly files: pulumi.Output<number>;

  constructor(...given: Given<PostfixDocsArgs>) {
    super(
      {
        kind: "PostfixDocs",
        schema: plain.postfixDocsArguments,
        outputs: ["path", "manual", "files"],
      },
      ...given,
    );
    this.path = this.resource.output("path");
    this.files = this.resource.output("files");
    this.registerOutputs({ path: this.path });
  }
}
