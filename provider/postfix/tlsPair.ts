/** A certificate and its private key, judged together; pure. Of the key only the public half is needed. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { isCertificate, isPrivateKey, pemBlocks } from "../formats/pem";
import type { TlsKeys } from "../openbsd/platform";

/** What is known of a private key. */
export type KnownKey =
  | { readonly publicHalf: KeyObject }
  | { readonly fault: string }
  /** It could not be asked for, which says nothing of the key. */
  | { readonly unknown: string };

export interface Pair {
  /** The text of the certificate and its chain; `undefined` where there is none yet. */
  readonly certificate: string | undefined;
  /** `undefined` where there is none yet. */
  readonly key: KnownKey | undefined;
  /** The time by the clock that counts. */
  readonly now: Date;
  /** Whose clock it is, for messages. */
  readonly clock: string;
  readonly names: readonly string[];
  readonly tlsKeys: TlsKeys;
}

/** What is wrong with a pair: with `warning`, something that does not keep Postfix from using it. */
export interface PairFault {
  readonly of: "certificate" | "privateKey" | `names[${number}]`;
  readonly reason: string;
  readonly warning?: true;
}

/** The server's certificate, for outputs. */
export interface CertificateFacts {
  readonly notAfter: string;
  readonly certificateNames: readonly string[];
  readonly fingerprint: string;
}

/** How many days before its end a certificate is warned of. */
const EXPIRES_SOON_DAYS = 30;

const DAY = 86_400_000;

/** The certificates of a text, the server's first. @throws Error where one of them cannot be read */
export function certificatesIn(text: string): readonly X509Certificate[] {
  return pemBlocks(text)
    .filter(({ label }) => isCertificate(label))
    .map((block) => new X509Certificate(block.text.replace(/^(-----(?:BEGIN|END) )X509 /gm, "$1")));
}

/** The facts of the first certificate of a text; `undefined` where none can be read. */
export function certificateFacts(text: string): CertificateFacts | undefined {
  try {
    const [own] = certificatesIn(text);
    return own === undefined ? undefined : factsOf(own);
  } catch {
    return undefined;
  }
}

export function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    notAfter: new Date(certificate.validTo).toISOString(),
    certificateNames: namesOf(certificate),
    fingerprint: certificate.fingerprint256,
  };
}

/** The names and addresses in a certificate's subjectAltName. Node puts a name with strange characters in quotes. */
export function namesOf({ subjectAltName }: X509Certificate): string[] {
  const found = (subjectAltName ?? "").matchAll(
    /(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]+)(?:, |$)/g,
  );
  return [...found].map(([, name = ""]) => name.trim());
}

/** The private key of a text. The text of an error of the library is not passed on, for it could quote from the key. */
export function keyIn(text: string): KnownKey {
  const block = pemBlocks(text).find(({ label }) => isPrivateKey(label));
  if (block === undefined) return { fault: "has no private key in it." };
  if (block.encrypted) return { fault: ENCRYPTED };
  try {
    return { publicHalf: createPublicKey(createPrivateKey(block.text)) };
  } catch {
    return { fault: "is no private key that can be read: its text is cut or damaged." };
  }
}

export const ENCRYPTED =
  "is encrypted, and Postfix cannot ask for a passphrase (openssl pkey takes it off).";

/** The public half of a key, from what openssl(1) has printed. */
export function publicHalfIn(text: string): KnownKey {
  try {
    return { publicHalf: createPublicKey(text) };
  } catch {
    return { unknown: "openssl(1) of the host printed something else than a public key." };
  }
}

/** Everything that is wrong with a pair. */
export function pairFaults(pair: Pair): readonly PairFault[] {
  const { certificate, key } = pair;
  const faults: PairFault[] = [];
  if (key !== undefined && "fault" in key) faults.push({ of: "privateKey", reason: key.fault });
  if (key !== undefined && "unknown" in key)
    faults.push({
      of: "privateKey",
      reason: `whether it belongs to the certificate is not known: ${key.unknown}`,
      warning: true,
    });
  const publicHalf = key !== undefined && "publicHalf" in key ? key.publicHalf : undefined;
  if (certificate === undefined) {
    if (publicHalf !== undefined) faults.push(...unusable(publicHalf, pair, "privateKey"));
    return faults;
  }
  let chain: readonly X509Certificate[];
  try {
    chain = certificatesIn(certificate);
  } catch {
    const reason = "holds a certificate that cannot be read: its text is cut or damaged.";
    return [...faults, { of: "certificate", reason }];
  }
  const [own] = chain;
  if (own === undefined)
    return [...faults, { of: "certificate", reason: "has no certificate in it." }];
  return [
    ...faults,
    ...mismatch(chain, publicHalf),
    ...unusable(own.publicKey, pair, "certificate"),
    ...outOfTime(own, pair),
    ...outOfOrder(chain),
    ...uncovered(own, pair.names),
  ];
}

function mismatch(chain: readonly X509Certificate[], key: KeyObject | undefined): PairFault[] {
  if (key === undefined) return [];
  const at = chain.findIndex(({ publicKey }) => publicKey.equals(key));
  if (at === 0) return [];
  return at > 0
    ? [
        {
          of: "certificate",
          reason: `the private key belongs to certificate ${at + 1} of the text, and Postfix takes the first one for the server's: put the server's own first.`,
        },
      ]
    : [
        {
          of: "privateKey",
          reason: `it does not belong to the certificate ${nameOf(chain[0])}: give the key that the certificate was made for.`,
        },
      ];
}

/** Says that the TLS library of the release cannot use a key of this kind. */
function unusable(
  { asymmetricKeyType: type }: KeyObject,
  { tlsKeys }: Pair,
  of: PairFault["of"],
): PairFault[] {
  const { library, ec, ed25519 } = tlsKeys;
  if (type === "ec" && !ec)
    return [
      {
        of,
        reason: `it is of an ECDSA key, and Postfix takes one only with OpenSSL 1.0.0 or newer; this release has ${library}. Use an RSA key.`,
      },
    ];
  if (type !== "ed25519" && type !== "ed448") return [];
  const name = type === "ed25519" ? "Ed25519" : "Ed448";
  if (ed25519 === false || type === "ed448")
    return [
      {
        of,
        reason: `it is of an ${name} key, which ${library} of this release cannot use. Use an RSA or ECDSA key.`,
      },
    ];
  return [
    {
      of,
      reason: `it is of an ${name} key: whether ${library} of this release serves a client with it is not known. An ECDSA key is safe.`,
      warning: true,
    },
  ];
}

function outOfTime(own: X509Certificate, { now, clock }: Pair): PairFault[] {
  const [from, until] = [new Date(own.validFrom), new Date(own.validTo)];
  const by = `by ${clock}, which says ${now.toISOString()}`;
  if (now < from)
    return [
      {
        of: "certificate",
        reason: `it is not valid before ${from.toISOString()} ${by}. Check that clock, or wait.`,
      },
    ];
  if (now > until)
    return [
      {
        of: "certificate",
        reason: `it has expired: it was valid until ${until.toISOString()} ${by}. Renew it.`,
      },
    ];
  const days = Math.floor((until.getTime() - now.getTime()) / DAY);
  if (days >= EXPIRES_SOON_DAYS) return [];
  const left = days === 1 ? "1 day" : `${days} days`;
  const reason = `it expires in ${left}, at ${until.toISOString()}: renew it.`;
  return [{ of: "certificate", reason, warning: true }];
}

/** Each certificate must be followed by the one that has signed it; a client need not accept another order. */
function outOfOrder(chain: readonly X509Certificate[]): PairFault[] {
  return chain.slice(1).flatMap((issuer, index): PairFault[] => {
    const issued = chain[index];
    if (issued === undefined || (issued.checkIssued(issuer) && issued.verify(issuer.publicKey)))
      return [];
    return [
      {
        of: "certificate",
        reason: `the chain is out of order: certificate ${index + 2} (${nameOf(issuer)}) has not signed certificate ${index + 1} (${nameOf(issued)}). Each must be followed by the one that has signed it.`,
        warning: true,
      },
    ];
  });
}

/** The names for which the certificate is not valid: by subjectAltName alone, where `*` stands for one whole label. */
function uncovered(own: X509Certificate, names: readonly string[]): PairFault[] {
  const options = { subject: "never", partialWildcards: false } as const;
  const covered = namesOf(own).join(", ");
  return names.flatMap((name, index): PairFault[] =>
    own.checkHost(name, options) !== undefined
      ? []
      : [
          {
            of: `names[${index}]`,
            reason: `the certificate is not valid for it, but for ${covered === "" ? "no name at all: it has no subjectAltName" : covered}.`,
          },
        ],
  );
}

/** A certificate's subject in one line, for messages. */
function nameOf(certificate: X509Certificate | undefined): string {
  return `"${(certificate?.subject ?? "").replace(/\n/g, ", ")}"`;
}
