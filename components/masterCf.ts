import * as plain from "../provider/arguments/masterCf";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Parts of one service of master.cf in {@link MasterCfArgs}. */
export type MasterService = Inputs<plain.MasterService>;

/** Arguments of {@link MasterCf}. */
export type MasterCfArgs = Inputs<plain.MasterCfArgs>;

/**
 * Services of /etc/postfix/master.cf (master(5)) and their overrides. Destroy puts the former lines back.
 *
 * @owns The services that are given: whole lines, single columns of them, and `-o` overrides.
 * @destroy Puts the former lines back.
 *
 * @example
 * ```ts
 * import { MasterCf } from "pulumi-openbsd-postfix";
 *
 * new MasterCf("services", {
 *   connection: { host: "mx1.example.org" },
 *   services: {
 *     "submission/inet": {
 *       command: "smtpd",
 *       overrides: { smtpd_tls_security_level: "encrypt", smtpd_sasl_auth_enable: "yes" },
 *     },
 *     "smtp/inet": { maxproc: "20" },
 *   },
 * });
 * ```
 */
export class MasterCf extends Step {
  constructor(...given: Given<MasterCfArgs>) {
    super({ kind: "MasterCf", schema: plain.masterCfArguments, outputs: [] }, ...given);
    this.registerOutputs({ revision: this.revision });
  }
}
