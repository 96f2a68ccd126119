/** Texts of certificates and keys (PEM, RFC 7468): blocks with labels. pem_state in agent.pl reads files in the same way. */

/** A block of a text. */
export interface PemBlock {
  /** As in "CERTIFICATE" and "EC PRIVATE KEY". */
  readonly label: string;
  /** The whole block, with its first and last line. */
  readonly text: string;
  /** Is it a private key that cannot be used without a passphrase? */
  readonly encrypted: boolean;
}

const BLOCK =
  /^-----BEGIN ([A-Z0-9 ]{1,60})-----[ \t]*\r?\n([^]*?)^-----END \1-----(?=[ \t]*\r?$)/gm;

/** The blocks of a text, in their order; what stands around them means nothing. */
export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([whole, label = "", body = ""]) => ({
    label,
    text: `${whole}\n`,
    encrypted: /ENCRYPTED/.test(label) || /^Proc-Type:.*ENCRYPTED/m.test(body),
  }));
}

export function isCertificate(label: string): boolean {
  return /^(X509 |TRUSTED )?CERTIFICATE$/.test(label);
}

export function isPrivateKey(label: string): boolean {
  return /PRIVATE KEY$/.test(label);
}
