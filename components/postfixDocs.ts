import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/postfixDocs";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link PostfixDocs}. */
export type PostfixDocsArgs = Inputs<plain.PostfixDocsArgs>;

/**
 * The HTML manual that comes with the package, copied to a web root (guide 2.2) as a managed tree: missing, changed and
 * extra files are drift, and are repaired. So the next update removes a file that somebody puts into the folder by hand.
 *
 * A tree that is at the path before the first apply is moved aside as a whole, into a hidden folder beside the path that
 * only root can enter. Destroy removes the manual, puts the former tree back, and removes the folders above the path that
 * the step has created, where they are empty. It leaves files that were added or changed since the last update, and names
 * them. The step does not configure a web server to serve the folder.
 *
 * @owns The folder at `path` as a whole tree.
 * @destroy Removes it, and puts back what stood there.
 *
 * @example
 * ```ts
 * import { PostfixDocs } from "pulumi-openbsd-postfix";
 *
 * new PostfixDocs("manual", {
 *   connection: { host: "mx1.example.org" },
 *   path: "/var/www/htdocs/postfix",
 * });
 * ```
 */
export class PostfixDocs extends Step {
  /** The folder of the manual. */
  readonly path: pulumi.Output<string>;
  /** The number of files in the folder. */
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
