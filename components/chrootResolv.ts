import * as plain from "../provider/arguments/chrootResolv";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link ChrootResolv}. */
export type ChrootResolvArgs = Inputs<plain.ChrootResolvArgs>;

/**
 * Copies of /etc/resolv.conf and similar files in Postfix's chroot, kept equal to their sources (the guide's "Postfix
 * chroot files"). The package copies them only once, so a source that changes later is drift.
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
