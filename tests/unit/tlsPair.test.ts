/** What is found wrong with a certificate and its key, on certificates made by openssl(1). */
import { createPublicKey } from "node:crypto";
import { platformOf } from "../../provider/openbsd/platform";
import { tlsCertificateArguments } from "../../provider/arguments/tlsCertificate";
import { violations } from "../../provider/arguments/schema";
import {
  certificateFacts,
  keyIn,
  type Pair,
  pairFaults,
  publicHalfIn,
} from "../../provider/postfix/tlsPair";
import { tlsCertificate } from "../../provider/kinds/tlsCertificate";
import { CertificateMaker, type Issued } from "../certificates";
import { seen } from "./fakeHost";

const maker = new CertificateMaker();
afterAll(() => maker.clean());

const ca = maker.issue({ name: "A root", isCa: true, untilDays: 900 });
const between = maker.issue({ name: "Between", isCa: true, by: ca, untilDays: 800 });
const NAMES = ["mx1.example.org", "*.mail.example.org", "192.0.2.7"];
const own = maker.issue({ name: "mx1.example.org", names: NAMES, by: between });
const chain = own.certificate + between.certificate;

const DAY = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY);

const found = (pair: Partial<Pair>, release = "7.8") =>
  pairFaults({
    certificate: chain,
    key: keyIn(own.key),
    now: new Date(),
    clock: "the host's clock",
    names: [],
    tlsKeys: platformOf(release).tlsKeys,
    ...pair,
  }).map(({ of, reason, warning }) => `${warning ? "warning " : ""}${of}: ${reason}`);

const issuedAs = (kind: "rsa" | "ec" | "ed25519"): Partial<Pair> => {
  const issued: Issued = maker.issue({ name: "x.example.org", keyKind: kind });
  return { certificate: issued.certificate, key: keyIn(issued.key) };
};

test("a pair that is right has no fault, whatever stands around the blocks and in whichever form the key is", () => {
  expect(found({ names: ["mx1.example.org"] })).toEqual([]);
  expect(found({ certificate: `subject=x\n${chain.replace(/\n/g, "\r\n")}\nend` })).toEqual([]);
  expect(found({ key: keyIn(maker.traditional(own.key)) })).toEqual([]);
  expect(found({ certificate: chain + ca.certificate })).toEqual([]);
  const printed = createPublicKey(own.key).export({ type: "spki", format: "pem" }).toString();
  expect(found({ key: publicHalfIn(printed) })).toEqual([]);
  expect(found({ key: undefined })).toEqual([]);
  expect(found({ certificate: undefined })).toEqual([]);
});

test("its facts are those of the first certificate", () => {
  expect(certificateFacts(chain)).toEqual({
    notAfter: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+\.000Z$/) as string,
    certificateNames: NAMES,
    fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/) as string,
  });
  expect(certificateFacts("nothing")).toBeUndefined();
});

test("a key of another certificate", () => {
  const other = maker.issue({ name: "x" });
  expect(found({ key: keyIn(other.key) })).toEqual([
    'privateKey: it does not belong to the certificate "CN=mx1.example.org": give the key that the certificate was made for.',
  ]);
});

test("the chain before the server's own certificate", () => {
  expect(found({ certificate: between.certificate + own.certificate })).toEqual([
    expect.stringMatching(
      /^certificate: the private key belongs to certificate 2 .*server's own first/,
    ) as string,
    expect.stringMatching(/^warning certificate: the chain is out of order/) as string,
  ]);
});

test("a chain out of order is a warning, and so is a certificate in it that has signed nothing", () => {
  const message =
    'warning certificate: the chain is out of order: certificate 2 ("CN=A root") has not signed certificate 1 ("CN=mx1.example.org"). Each must be followed by the one that has signed it.';
  expect(found({ certificate: own.certificate + ca.certificate })).toEqual([message]);
  const impostor = maker.issue({ name: "Between", isCa: true });
  expect(found({ certificate: own.certificate + impostor.certificate })).toHaveLength(1);
});

test.each([
  [-2, /^certificate: it is not valid before .* by the host's clock, which says /],
  [59, undefined],
  [61, /^warning certificate: it expires in 28 days, at /],
  [88.5, /^warning certificate: it expires in 1 day, at /],
  [91, /^certificate: it has expired: it was valid until .* by the host's clock/],
])("at day %d of 90", (days, message) => {
  expect(found({ now: inDays(days) })).toEqual(
    message === undefined ? [] : [expect.stringMatching(message) as string],
  );
});

test.each([
  ["mx1.example.org", true],
  ["MX1.Example.Org", true],
  ["a.mail.example.org", true],
  ["mail.example.org", false],
  ["a.b.mail.example.org", false],
  ["example.org", false],
  ["mx1.example.org.evil.example", false],
])("the name %s is covered: %p", (name, covered) => {
  expect(found({ names: ["mx1.example.org", name] })).toEqual(
    covered
      ? []
      : [
          "names[1]: the certificate is not valid for it, but for mx1.example.org, *.mail.example.org, 192.0.2.7.",
        ],
  );
});

test("a commonName is no name, and part of a label is no wildcard", () => {
  const bare = maker.issue({ name: "mx1.example.org", names: [] });
  const names = ["mx1.example.org"];
  expect(found({ certificate: bare.certificate, key: keyIn(bare.key), names })).toEqual([
    "names[0]: the certificate is not valid for it, but for no name at all: it has no subjectAltName.",
  ]);
  const part = maker.issue({ name: "x", names: ["m*.example.org"] });
  expect(found({ certificate: part.certificate, key: keyIn(part.key), names })).toHaveLength(1);
});

test("what cannot be read, and says nothing of the text", () => {
  const cut = own.certificate.replace(/\n[^\n]+\n-----END/, "\n-----END");
  expect(found({ certificate: cut })).toEqual([
    "certificate: holds a certificate that cannot be read: its text is cut or damaged.",
  ]);
  expect(found({ certificate: "" })).toEqual(["certificate: has no certificate in it."]);
  const cutKey = own.key.replace(/\n[^\n]+\n-----END/, "\n-----END");
  expect(found({ key: keyIn(cutKey) })).toEqual([
    "privateKey: is no private key that can be read: its text is cut or damaged.",
  ]);
  expect(found({ key: publicHalfIn("what?") })).toEqual([
    expect.stringMatching(/^warning privateKey: whether it belongs .* is not known/) as string,
  ]);
});

test.each([
  ["4.7", "rsa", undefined],
  ["4.7", "ec", /^certificate: it is of an ECDSA key, .* OpenSSL 0\.9\.8\. Use an RSA key/],
  ["4.9", "ec", undefined],
  ["5.5", "ed25519", /^certificate: it is of an Ed25519 key, which OpenSSL 1\.0 of this release/],
  ["7.2", "ed25519", /^certificate: it is of an Ed25519 key, which LibreSSL of this release/],
  ["7.8", "ed25519", /^warning certificate: .* is not known/],
  ["7.8", "ec", undefined],
] as const)("on %s a key of the kind %s", (release, kind, message) => {
  expect(found(issuedAs(kind), release)).toEqual(
    message === undefined ? [] : [expect.stringMatching(message) as string],
  );
});

describe("the arguments", () => {
  const paths = { certificatePath: "/etc/ssl/a.pem", privateKeyPath: "/etc/ssl/private/a.key" };
  const wrong = (values: object) =>
    violations(tlsCertificateArguments, { ...paths, ...values }).map(
      ({ path, reason }) => `${path}: ${reason}`,
    );

  test.each([
    ["both texts", { certificate: chain, privateKey: own.key }, undefined],
    ["a certificate alone", { certificate: chain }, undefined],
    ["a key alone", { privateKey: own.key }, undefined],
    ["a certificate that is no PEM", { certificate: "x" }, /^certificate: is not PEM/],
    ["a key as certificate", { certificate: own.key }, /^certificate: holds a private key/],
    [
      "a certificate with a key",
      { certificate: chain + own.key },
      /^certificate: holds a private key/,
    ],
    ["a certificate as key", { privateKey: chain }, /^privateKey: has no private key in it/],
    ["two keys", { privateKey: own.key + own.key }, /^privateKey: has more than one/],
    [
      "a key with a passphrase",
      { privateKey: maker.key("ec", "pass") },
      /^privateKey: is encrypted, .*passphrase/,
    ],
    [
      "a key with a passphrase, in its older form",
      { privateKey: maker.traditional(own.key, "pass") },
      /^privateKey: is encrypted/,
    ],
    [
      "one file for both texts",
      { privateKey: own.key, privateKeyPath: "/etc/ssl/a.pem" },
      /^privateKeyPath: must be another/,
    ],
    ["one file for both that is somebody else's", { privateKeyPath: "/etc/ssl/a.pem" }, undefined],
    [
      "a path that is not absolute",
      { certificatePath: "etc/a.pem" },
      /^certificatePath: must be the absolute path/,
    ],
    ["a wildcard as name", { names: ["*.example.org"] }, /^names\[0\]: must be the name of a host/],
  ])("%s", (_name, values, message) => {
    const said = wrong(values);
    expect(said).toEqual(message === undefined ? [] : [expect.stringMatching(message) as string]);
    expect(said.join()).not.toContain("BEGIN PRIVATE");
  });
});

test("a host whose openssl(1) has no pkey is asked by the commands of its time", async () => {
  const rsa = maker.issue({ name: "x", keyKind: "rsa" });
  const printed = createPublicKey(rsa.key).export({ type: "spki", format: "pem" }).toString();
  const args = { certificatePath: "/a.pem", privateKeyPath: "/a.key" };
  const look = tlsCertificate.look(args, platformOf("4.7"));
  const { publicHalf } = await seen(look, {
    prints: [["openssl rsa -in /a.key -pubout", printed]],
  });
  expect(publicHalf).toMatchObject({ publicHalf: { asymmetricKeyType: "rsa" } });
  expect((await seen(look, {})).publicHalf).toMatchObject({ fault: expect.any(String) as string });
});
