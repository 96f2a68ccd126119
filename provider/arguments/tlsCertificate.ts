/** The arguments of `TlsCertificate`. */
import { isCertificate, isPrivateKey, pemBlocks } from "../formats/pem";
import { list, optional, type Rule, single, step, text } from "./schema";

/**
 * Arguments of `TlsCertificate`. A file whose text is given belongs to the step; a file whose text is not given is somebody
 * else's, such as acme-client(1)'s: it is judged and watched, and never written.
 */
export interface TlsCertificateArgs {
  /** The absolute path of the certificate: smtpd_tls_cert_file of main.cf. */
  readonly certificatePath: string;
  /** The absolute path of the private key: smtpd_tls_key_file of main.cf. */
  readonly privateKeyPath: string;
  /** The text of the certificate (PEM), followed by those of the chain: the server's own comes first. */
  readonly certificate?: string;
  /**
   * The text of the private key (PEM), without a passphrase, because Postfix cannot ask for one. It is always a secret,
   * whether or not the program marked it. Given without a certificate, it is the key that acme-client(1) shall get
   * certificates for.
   */
  readonly privateKey?: string;
  /** Names of hosts for which the certificate must be valid. */
  readonly names?: readonly string[];
}

function pathFault(path: unknown): string | undefined {
  // main.cf separates words by blanks and commas, and "$" begins a parameter.
  return typeof path === "string" && /^(\/[^/\s\0,$]+)+$/.test(path) && !/\/\.\.?(\/|$)/.test(path)
    ? undefined
    : 'must be the absolute path of a file, without blanks, commas, "$", "." and "..".';
}

function certificateFault(contents: unknown): string | undefined {
  if (typeof contents !== "string") return "must be the text of a certificate.";
  const labels = pemBlocks(contents).map(({ label }) => label);
  if (labels.length === 0) return "is not PEM: it has no block from -----BEGIN to -----END.";
  if (labels.some(isPrivateKey))
    return "holds a private key, and the certificate's file is for everybody to read: give the key as privateKey.";
  return labels.some(isCertificate) ? undefined : "has no certificate in it.";
}

function keyFault(contents: unknown): string | undefined {
  if (typeof contents !== "string") return "must be the text of a private key.";
  const blocks = pemBlocks(contents);
  if (blocks.length === 0) return "is not PEM: it has no block from -----BEGIN to -----END.";
  const keys = blocks.filter(({ label }) => isPrivateKey(label));
  if (keys.length === 0) return "has no private key in it.";
  if (keys.length > 1) return "has more than one private key in it.";
  return keys[0]?.encrypted
    ? "is encrypted, and Postfix cannot ask for a passphrase: give the key without one (openssl pkey)."
    : undefined;
}

const RULES: readonly Rule<TlsCertificateArgs>[] = [
  {
    of: ["certificatePath", "privateKeyPath", "certificate", "privateKey"],
    failures: ({ certificatePath, privateKeyPath, certificate, privateKey }) =>
      certificatePath === privateKeyPath && (certificate ?? privateKey) !== undefined
        ? [
            {
              path: ".privateKeyPath",
              reason:
                "must be another file than certificatePath, because everybody may read a certificate, and nobody a key.",
            },
          ]
        : [],
  },
];

/** What each argument of `TlsCertificate` may be. */
export const tlsCertificateArguments = step<TlsCertificateArgs>(
  {
    certificatePath: single<string>(pathFault),
    privateKeyPath: single<string>(pathFault),
    certificate: optional(single<string>(certificateFault)),
    privateKey: optional(single<string>(keyFault)),
    names: optional(
      list(
        text(
          /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/,
          "must be the name of a host, as in mx1.example.org.",
        ),
        "must be a list of names of hosts.",
      ),
    ),
  },
  ...RULES,
);
