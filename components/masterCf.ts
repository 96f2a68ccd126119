import type * as pulumi from "@pulumi/pulumi";
import { type OnHost, Step } from "./step";

/**
 * Parts of one service, by the names of master(5). What is left out stays as it is; in a service that is added it is
 * as in the file's services of the same program, which matters for `chroot`: what `-` means there depends on the version
 * of Postfix, and the port chroots most of them.
 */
export interface MasterService {
  /** Whether only Postfix itself may use it: `"y"`, `"n"`, or `"-"` for the default `y`. */
  readonly private?: pulumi.Input<string>;
  /** Whether it runs without root's rights: `"y"`, `"n"`, or `"-"` for the default `y`. */
  readonly unprivileged?: pulumi.Input<string>;
  /** Whether it runs in the chroot: `"y"`, `"n"`, or `"-"` for the version's default. */
  readonly chroot?: pulumi.Input<string>;
  /** Seconds after which it is woken: `"60"`; `"60?"` only once it was used; `"-"` for never. */
  readonly wakeup?: pulumi.Input<string>;
  /** How many processes it may have at a time: `"1"`, `"0"` for no limit, `"-"` for `default_process_limit`. */
  readonly maxproc?: pulumi.Input<string>;
  /** The program in the daemon directory, as in `"smtpd"`; needed to add a service. */
  readonly command?: pulumi.Input<string>;
  /** The program's arguments but for the overrides, each a word: `["-v"]`, `["flags=DRhu", "user=vmail", "argv=…"]`. */
  readonly args?: pulumi.Input<pulumi.Input<string>[]>;
  /** `-o name=value`: parameters of main.cf as this service sees them. `null` removes one. */
  readonly overrides?: pulumi.Input<Record<string, pulumi.Input<string | null>>>;
}

/** Arguments of {@link MasterCf}. */
export interface MasterCfArgs {
  /**
   * Services by name and type, as `postconf -M` spells them: `submission/inet`, `smtp/unix`. `null` removes one. Others
   * in the file, comments and order are left as they are. A new one goes behind its sample that stands commented out.
   */
  readonly services: pulumi.Input<Record<string, pulumi.Input<MasterService | null>>>;
  /**
   * Rules of the judgement whose complaints are to be warnings, by the names that the complaints end with, as in
   * `["openRelay"]` for a service that a closed network alone can reach. What is said here holds for the whole host.
   */
  readonly accept?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Services in /etc/postfix/master.cf (master(5)) and their overrides. On destroy the lines of before come back.
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
  constructor(name: string, args: MasterCfArgs & OnHost, opts?: pulumi.ComponentResourceOptions) {
    super("MasterCf", name, args, [], opts);
    this.registerOutputs({ revision: this.revision });
  }
}
