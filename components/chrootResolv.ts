import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/** Arguments of {@link ChrootResolv}. */
export interface ChrootResolvArgs {
  /** Names below /etc. @defaultValue those that the release's package copies: hosts (from 5.0), localtime, resolv.conf, services */
  readonly files?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Copies of /etc/resolv.conf and its like in Postfix's chroot, kept equal to their sources (the guide's "Postfix chroot
 * files"): the package copies them once, and a changed source is drift.
 */
export class ChrootResolv extends Step {
  constructor(
    name: string,
    args: ChrootResolvArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("ChrootResolv", name, args, ["files", "copies"], opts);
    this.registerOutputs({ revision: this.revision });
  }
}
