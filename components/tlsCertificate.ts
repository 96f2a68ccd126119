import * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/tlsCertificate";
import type { Inputs } from "./inputs";
import { type OnHost, Step } from "./step";

/** Arguments of {@link TlsCertificate}. */
export type TlsCertificateArgs = Inputs<plain.TlsCertificateArgs>;

const OUTPUTS = ["notAfter", "certificateNames", "fingerprint"] as const;

/**
 * The certificate and the private key of Postfix's TLS, judged together in the preview: whether they belong together, the
 * certificate is valid by the host's clock and for the names that it is needed for, and others cannot read the key. With
 * their texts, the step writes the files; without, they are those of acme-client(1) or an admin, and a renewed certificate
 * shows in a refresh, and raises the revision in the next `up`: PostfixService, which takes it as a trigger, has Postfix
 * read the files again.
 *
 * @owns The two files whose texts are given; without texts nothing, and it watches the files.
 * @destroy Puts the former files back.
 *
 * @example
 * ```ts
 * import { TlsCertificate } from "pulumi-openbsd-postfix";
 *
 * const tls = new TlsCertificate("tls", {
 *   connection: { host: "mx1.example.org" },
 *   certificatePath: "/etc/ssl/mx1.example.org.fullchain.pem",
 *   privateKeyPath: "/etc/ssl/private/mx1.example.org.key",
 *   names: ["mx1.example.org"],
 * });
 *
 * export const validUntil = tls.notAfter;
 * ```
 */
export class TlsCertificate extends Step {
  /** When the certificate expires, as in "2027-02-28T12:00:00.000Z"; none where there is no certificate yet. */
  declare readonly notAfter: pulumi.Output<string | undefined>;
  /** The names and addresses that the certificate is valid for; none where there is no certificate yet. */
  declare readonly certificateNames: pulumi.Output<string[] | undefined>;
  /** The SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it; none where there is none yet. */
  declare readonly fingerprint: pulumi.Output<string | undefined>;

  constructor(
    name: string,
    args: TlsCertificateArgs & OnHost,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { privateKey, ...rest } = args;
    const all: OnHost & Record<string, unknown> = {
      ...rest,
      ...(privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) }),
    };
    super(
      { kind: "TlsCertificate", schema: plain.tlsCertificateArguments, outputs: OUTPUTS },
      name,
      all,
      opts,
    );
    const { notAfter, fingerprint } = Object.assign(this, this.outputsNamed(OUTPUTS));
    this.registerOutputs({ notAfter, fingerprint });
  }
}
