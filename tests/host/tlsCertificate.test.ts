/** TlsCertificate on real hosts: what a preview refuses, what is written and put back, and who learns of a renewal. */
import { forgetPlans } from "../../provider/driver/overlay";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { CertificateMaker, type Issued } from "../certificates";
import { connectionTo, packageOf, PARAMETERS, RELEASES, sh } from "../preview/server";
import {
  checked,
  create,
  differs,
  failures,
  inputsOf,
  type Made,
  refresh,
  remove,
  said,
  update,
} from "./provider";

const maker = new CertificateMaker();
afterAll(() => maker.clean());

/** Every release can use RSA. */
const issue = (wish: Partial<Parameters<CertificateMaker["issue"]>[0]> = {}): Issued =>
  maker.issue({ name: "myhost.example.org", keyKind: "rsa", ...wish });

const [first, second, third] = [issue(), issue(), issue()];
const expired = issue({ key: first.key, fromDays: -60, untilDays: -1 });
const expiring = issue({ key: first.key, untilDays: 10 });

const CERTIFICATE = "/etc/ssl/myhost.pem";
const KEY = "/etc/ssl/private/myhost.key";
const PATHS = { certificatePath: CERTIFICATE, privateKeyPath: KEY };

/** The record is there for the other steps; until Postfix has served, it also says by what it last did. */
const outsideRecord = (paths: readonly string[]): string[] =>
  paths.filter((path) => !path.startsWith("/var/db/pulumi-openbsd-postfix"));

/** Real servers: a machine under load may be late once, and says so before it tries again. */
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;

  beforeAll(async () => {
    host = await startHost({ release });
    const steps: [string, Record<string, unknown>][] = [
      ["PostfixPackage", packageOf(release)],
      ["BaseMailer", {}],
      ["MailerConf", {}],
      ["RcConfLocal", {}],
      ["ChrootResolv", {}],
    ];
    for (const [kind, args] of steps) await create(kind, inputsOf(kind, args, connectionTo(host)));
  });
  beforeEach(async () => {
    forgetPlans();
    said();
    await sh(host, `rm -f ${CERTIFICATE} ${KEY}`);
  });
  afterAll(() => host.stop());

  const news = (args: object): Record<string, unknown> =>
    inputsOf(
      "TlsCertificate",
      { ...PATHS, secretPaths: ["privateKey"], ...args },
      connectionTo(host),
    );
  const texts = ({ certificate, key }: Issued): Record<string, unknown> => ({
    certificate,
    privateKey: key,
  });
  const make = (args: object): Promise<Made> => create("TlsCertificate", news(args));
  const wrong = (args: object): Promise<string> => failures("TlsCertificate", news(args));

  /** Puts the files there as acme-client(1) does. */
  async function put({ certificate, key }: Issued, keyMode = "0400"): Promise<void> {
    await sh(
      host,
      `umask 077; cat > ${CERTIFICATE} <<'END'\n${certificate}END\ncat > ${KEY} <<'END'\n${key}END\nchmod 0444 ${CERTIFICATE}; chmod ${keyMode} ${KEY}`,
    );
  }

  /** No line of a private key is in a text. */
  function expectNoKey(text: string, ...keys: readonly string[]): void {
    for (const key of keys)
      for (const line of key.split("\n").filter((one) => /^[A-Za-z0-9+/=]{16,}$/.test(one)))
        expect(text.includes(line)).toBe(false);
  }

  describe("the preview fails, at the argument, for", () => {
    test("a key of another certificate", async () => {
      expect(await wrong({ ...texts(first), privateKey: second.key })).toMatch(
        /^privateKey: it does not belong to the certificate "CN=myhost\.example\.org"/,
      );
      await put({ ...first, key: second.key });
      expect(await wrong({})).toMatch(
        /^privateKeyPath: \/etc\/ssl\/private\/myhost\.key: it does not belong to/,
      );
      // Of each, one text is the program's and the other file the host's.
      expect(await wrong({ certificate: first.certificate })).toMatch(/^privateKeyPath: /);
      expect(await wrong({ privateKey: second.key })).toMatch(/^privateKey: it does not belong/);
      expect(await wrong({ certificate: second.certificate })).toBe("");
    });

    test("a certificate that has expired, by the host's clock", async () => {
      expect(await wrong(texts(expired))).toMatch(
        /^certificate: it has expired: .* by the host's clock/,
      );
      await put(expired);
      expect(await wrong({})).toMatch(/^certificatePath: \/etc\/ssl\/myhost\.pem: it has expired/);
    });

    test("names that it is not valid for", async () => {
      const names = ["myhost.example.org", "smtp.example.org"];
      expect(await wrong({ ...texts(first), names })).toMatch(
        /^names\[1\]: the certificate is not valid for it, but for myhost\.example\.org/,
      );
    });

    test("files that are not there, or are something else", async () => {
      const missing = await wrong({});
      expect(missing).toMatch(
        /^certificatePath: \/etc\/ssl\/myhost\.pem is not there on the host/m,
      );
      expect(missing).toMatch(/^privateKeyPath: \/etc\/ssl\/private\/myhost\.key is not there/m);
      await put({ certificate: "nothing\n", key: "nothing\n" });
      const other = await wrong({});
      expect(other).toMatch(/^certificatePath: \S+ has no certificate in it/m);
      expect(other).toMatch(/^privateKeyPath: \S+ has no private key in it/m);
      expect(await wrong(texts(first))).toMatch(
        /^certificatePath: \S+ is there and holds neither a certificate nor a key, so it is not replaced/,
      );
    });

    test("a key that needs a passphrase", async () => {
      for (const key of [
        maker.traditional(first.key, "a passphrase"),
        maker.key("rsa", "a passphrase"),
      ]) {
        await put({ ...first, key });
        expect(await wrong({})).toMatch(/^privateKeyPath: \S+ is encrypted, and Postfix cannot/);
      }
    });

    test("a key that everybody can read; in a folder that nobody enters it is a warning", async () => {
      await put(first, "0644");
      expect(await wrong({})).toBe("");
      expect(said()).toMatch(/warning: .*myhost\.key belongs to uid 0 and has mode 0644/);
      const open = { privateKeyPath: "/etc/ssl/open.key" };
      await sh(host, `cp ${KEY} /etc/ssl/open.key && chmod 0644 /etc/ssl/open.key`);
      expect(await wrong(open)).toMatch(/^privateKeyPath: \/etc\/ssl\/open\.key has mode 0644/);
      await sh(host, "chmod 0600 /etc/ssl/open.key && chown 1000 /etc/ssl/open.key");
      expect(await wrong(open)).toBe("");
      expect(said()).toMatch(/warning: .*open\.key belongs to uid 1000 and has mode 0600/);
      await sh(host, "rm /etc/ssl/open.key");
    });
  });

  test("a certificate that expires soon is a warning", async () => {
    expect(await wrong(texts(expiring))).toBe("");
    expect(said()).toMatch(/warning: .*it expires in \d days, at /);
  });

  test("what an earlier step of the same plan writes is not missed", async () => {
    await checked("TlsCertificate", {}, news(texts(first)));
    const watching = inputsOf("TlsCertificate", PATHS, connectionTo(host), {
      name: "watching",
      preview: true,
    });
    await checked("TlsCertificate", {}, watching);
    expect(said()).toContain("comes with an earlier step, and is judged once it is there");
  });

  test("a key alone waits for the certificate that is got for it", async () => {
    const made = await make({ privateKey: first.key });
    expect(said()).toMatch(
      /warning: .*myhost\.pem is not there .* until then Postfix offers no TLS/,
    );
    expect(made.props["fingerprint"]).toBeNull();
    await sh(host, `cat > ${CERTIFICATE} <<'END'\n${first.certificate}END`);
    await refresh(made);
    expect(await differs(made)).toBe(true);
    await update(made);
    expect(made.props).toMatchObject({ certificateNames: ["myhost.example.org"] });
    await remove(made);
    expect(await sh(host, `ls ${CERTIFICATE} ${KEY} 2>&1 || true`)).toContain(`${CERTIFICATE}\n`);
  });

  test("what stood there comes back to the byte, with its mode and owner, and the key is in nothing that is kept", async () => {
    await put(second, "0640");
    await sh(host, `chown 1000:1000 ${CERTIFICATE}`);
    const before = await host.snapshot();
    await checked(
      "TlsCertificate",
      {},
      { ...news(texts(first)), owner: { urn: "x", preview: true } },
    );
    forgetPlans();
    const made = await make(texts(first));
    expect(await sh(host, `cat ${CERTIFICATE} ${KEY}`)).toBe(first.certificate + first.key);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    const { privateKey, ...rest } = made.props;
    expect(privateKey).toBe(first.key);
    const record = "/var/db/pulumi-openbsd-postfix/record.json";
    const kept = [
      JSON.stringify(rest),
      await sh(host, `cat ${record} ${record}.previous 2>/dev/null; cat /var/log/*`),
      said(),
    ].join("\n");
    expect(kept).toContain(CERTIFICATE);
    expectNoKey(kept, first.key, second.key);

    await sh(host, `cp ${KEY} /root/key && cat > ${KEY} <<'END'\n${third.key}END`);
    await refresh(made);
    expect(await differs(made)).toBe(true);
    const drifted = JSON.stringify([made.props, made.inputs]) + said();
    expectNoKey(drifted, third.key, second.key);
    await update(made);
    expect(await sh(host, `cmp ${KEY} /root/key && rm /root/key; stat -f '%Sp %u' ${KEY}`)).toBe(
      "-rw------- 0\n",
    );
    await remove(made);
    expect(outsideRecord(diffTrees(before, await host.snapshot()))).toEqual([]);
  });

  test("text around the program's certificate is drift, too", async () => {
    const made = await create("TlsCertificate", news(texts(first)));
    await sh(host, `echo '# a remark' >> ${CERTIFICATE}`);
    await refresh(made);
    expect(await differs(made)).toBe(true);
    await update(made);
    expect(await sh(host, `cat ${CERTIFICATE}`)).toBe(first.certificate);
    await remove(made);
  });

  test("only the mode was another: it comes back, too", async () => {
    await put(first, "0640");
    const before = await host.snapshot();
    const made = await make(texts(first));
    expect(await sh(host, `stat -f '%Sp' ${CERTIFICATE} ${KEY}`)).toBe("-rw-r--r--\n-rw-------\n");
    await remove(made);
    expect(outsideRecord(diffTrees(before, await host.snapshot()))).toEqual([]);
  });

  test("with another path the former files go, and without texts the files stay", async () => {
    const made = await make(texts(first));
    const elsewhere = {
      certificatePath: "/etc/ssl/other.pem",
      privateKeyPath: "/etc/ssl/other.key",
    };
    await update(made, news({ ...texts(first), ...elsewhere }));
    expect(await sh(host, `ls ${CERTIFICATE} ${KEY} 2>/dev/null || true`)).toBe("");
    await update(made, news(elsewhere));
    expect(await sh(host, "cat /etc/ssl/other.pem /etc/ssl/other.key")).toBe(
      first.certificate + first.key,
    );
    await remove(made);
    expect(await sh(host, "cat /etc/ssl/other.pem; rm /etc/ssl/other.*")).toBe(first.certificate);
  });

  describe("while Postfix serves", () => {
    let service: Made;
    let main: Made;
    beforeAll(async () => {
      await put(first);
      const parameters = {
        ...PARAMETERS,
        smtpd_tls_cert_file: CERTIFICATE,
        smtpd_tls_key_file: KEY,
        smtpd_tls_security_level: "may",
      };
      main = await create("MainCf", inputsOf("MainCf", { parameters }, connectionTo(host)));
      service = await create("PostfixService", inputsOf("PostfixService", {}, connectionTo(host)));
    });
    afterAll(async () => {
      await remove(service);
      await remove(main);
    });

    const reloads = async (): Promise<number> =>
      Number(await sh(host, "grep -c 'master.*: reload' /var/log/maillog || true"));

    /** The fingerprint of the certificate that a client is shown. */
    async function shownToClients(): Promise<string> {
      const text = await sh(
        host,
        "sleep 0.5; openssl s_client -connect 127.0.0.1:25 -starttls smtp </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256",
      );
      return /=([0-9A-F:]+)/.exec(text)?.[1] ?? text;
    }

    /** What the rest of an `up` does after the certificate's step. */
    async function upService(made: Made): Promise<void> {
      await refresh(service);
      const triggers = [made.props["revision"]];
      await update(service, inputsOf("PostfixService", { triggers }, connectionTo(host)));
    }

    test("a renewal by somebody else shows in a refresh, and is one reload in the next up", async () => {
      await put(first);
      const before = await host.snapshot();
      const made = await make({ names: ["myhost.example.org"] });
      expect(outsideRecord(diffTrees(before, await host.snapshot()))).toEqual([]);
      await refresh(made);
      expect(await differs(made)).toBe(false);
      await upService(made);
      const count = await reloads();
      const { revision, fingerprint } = made.props;

      await put(second);
      await refresh(made);
      expect(made.inputs["watched"]).toBe(`${CERTIFICATE} and ${KEY} changed since the last up`);
      expect(made.props["fingerprint"]).not.toBe(fingerprint);
      expectNoKey(JSON.stringify([made.props, made.inputs]), first.key, second.key);
      expect(await differs(made)).toBe(true);
      await update(made);
      expect(made.props["revision"]).toBe(Number(revision) + 1);
      await upService(made);
      await upService(made);
      await refresh(made);
      expect(await differs(made)).toBe(false);
      expect(await reloads()).toBe(count + 1);
      expect(await shownToClients()).toBe(made.props["fingerprint"]);
      await remove(made);
      expect(await sh(host, `cat ${CERTIFICATE}`)).toBe(second.certificate);
    });

    test("another text is one reload, and clients see the new certificate", async () => {
      const made = await make(texts(first));
      await upService(made);
      expect(await shownToClients()).toBe(made.props["fingerprint"]);
      const count = await reloads();
      await update(made, news(texts(third)));
      await upService(made);
      await upService(made);
      expect(await reloads()).toBe(count + 1);
      expect(await shownToClients()).toBe(made.props["fingerprint"]);
      const record = await sh(host, "cat /var/db/pulumi-openbsd-postfix/record.json*");
      expectNoKey(record, first.key, third.key);
      await put(first);
    });
  });
});
