import * as plain from "../provider/arguments/chrootResolv";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link ChrootResolv}. */
export type ChrootResolvArgs = Inputs<plain.ChrootResolvArgs>;

/**
 * Copies of /etc/resolv.conf and similar files in Postfix's chroot, kept equal to their sources (the guide's "Postfix
 * chroot files"). The package copies them only once, so a source that changes later is drift.
 *
 * @owns The copies in the chroot, kept equal to the files in /etc.
 * @destroy Puts the former copies back.
 * @releases `hosts` is among the copies from 5.0 on.
 *
 * @example
 * ```ts
 * import { ChrootResolv } from "pulumi-openbsd-postfix";
 *
 * new ChrootResolv("chroot", {
 *   connection: { host: "mx1.example.org" },
 *   files: ["resolv.conf", "hosts", "services"],
 * });
 * ```
 */
export class ChrootResolv extends Step {
  constructor(...given: Given<ChrootResolvArgs>) {
    super(
      { kind: "ChrootResolv", schema: plain.chrootResolvArguments, outputs: ["files", "copies"] },
      ...given,
    );
    this.registerOutputs({ revision: this.revision });
  }
}
