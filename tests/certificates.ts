/** Certificates and keys for tests, made by openssl(1) in a folder of their own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type KeyKind = "rsa" | "ec" | "ed25519";

/** A certificate with its private key, both PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

interface Wish {
  /** The commonName; also in the subjectAltName unless `names` says otherwise. */
  readonly name: string;
  readonly names?: readonly string[];
  readonly key?: string;
  readonly keyKind?: KeyKind;
  /** Days from now; negative ones are over. @defaultValue -1 */
  readonly fromDays?: number;
  /** @defaultValue 90 */
  readonly untilDays?: number;
  /** Who signs it; the certificate itself where nobody does. */
  readonly by?: Issued;
  readonly isCa?: boolean;
}

export class CertificateMaker {
  private readonly folder = mkdtempSync(join(tmpdir(), "certificates-"));
  private count = 0;

  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  key(kind: KeyKind = "ec", passphrase?: string): string {
    const how = {
      rsa: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
      ec: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ed25519: ["-algorithm", "ED25519"],
    }[kind];
    const locked = passphrase === undefined ? [] : ["-aes256", "-pass", `pass:${passphrase}`];
    return this.openssl(["genpkey", ...how, ...locked]);
  }

  /** The key in the older form of its kind: "EC PRIVATE KEY", "RSA PRIVATE KEY". */
  traditional(key: string, passphrase?: string): string {
    const locked = passphrase === undefined ? [] : ["-aes256", "-passout", `pass:${passphrase}`];
    return this.openssl(["pkey", "-in", this.file(key), "-traditional", ...locked]);
  }

  issue(wish: Wish): Issued {
    const { name, names = [name], keyKind, fromDays = -1, untilDays = 90, by, isCa } = wish;
    const key = wish.key ?? this.key(keyKind);
    const alternatives = names.map((one) => `${/^[\d.]+$/.test(one) ? "IP" : "DNS"}:${one}`);
    const config = this.file(
      [
        ...["[ca]", "default_ca = own", "[own]", `database = ${this.file("")}`],
        ...[`new_certs_dir = ${this.folder}`, "rand_serial = yes", "default_md = sha256"],
        ...["policy = any", "unique_subject = no", "x509_extensions = ext"],
        ...["[any]", "commonName = supplied", "[req]", "distinguished_name = dn", "[dn]", "[ext]"],
        `basicConstraints = CA:${isCa === true ? "TRUE" : "FALSE"}`,
        ...(names.length === 0 ? [] : [`subjectAltName = ${alternatives.join(",")}`]),
        "",
      ].join("\n"),
    );
    const request = this.file(
      this.openssl([
        ...["req", "-new", "-config", config],
        ...["-key", this.file(key), "-subj", `/CN=${name}`],
      ]),
    );
    const signer =
      by === undefined
        ? ["-selfsign", "-keyfile", this.file(key)]
        : ["-cert", this.file(by.certificate), "-keyfile", this.file(by.key)];
    const out = this.file("");
    this.openssl([
      ...["ca", "-batch", "-notext", "-config", config, "-in", request, "-out", out, ...signer],
      ...["-startdate", inDays(fromDays), "-enddate", inDays(untilDays)],
    ]);
    return { certificate: readFileSync(out, "utf8"), key };
  }

  private openssl(args: readonly string[]): string {
    return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  private file(contents: string): string {
    const path = join(this.folder, `${(this.count += 1)}`);
    writeFileSync(path, contents, { mode: 0o600 });
    return path;
  }
}

/** A time as openssl-ca(1) takes it: YYYYMMDDHHMMSSZ. */
function inDays(days: number): string {
  const time = new Date(Date.now() + days * 86_400_000);
  return time.toISOString().replace(/[-:T]|\.\d+/g, "");
}
