/**
 * What `check` predicts a file to become is, to the byte, what it is after apply: over a thousand generated pairs of a
 * file as an admin may have it and a change, through the provider's own methods against a real agent.
 */
import fc from "fast-check";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as provider from "../../provider";
import { forgetPlans, overlayOf } from "../../provider/driver/overlay";
import { contentsOf } from "../../provider/host/host";
import type { ConnectionArgs } from "../../provider/arguments/connection";
import { startHost, type TestHost } from "../../testing";
import { connectionTo, packageOf } from "../preview/server";
import { create, inputsOf } from "./provider";

type Args = Record<string, unknown>;

/** A file as it is found, and what a program asks for. */
interface Pair {
  readonly text: string;
  readonly args: Args;
}

interface Format {
  readonly kind: string;
  readonly path: string;
  readonly mode?: number;
  /** Few where Postfix's own tools read the file: they wait until it is two seconds old. */
  readonly pairs: number;
  readonly pair: fc.Arbitrary<Pair>;
}

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);
/** Lines that every format has and none may touch: comments, blanks, bytes that are no UTF-8, long ones. */
const beside = fc.oneof(
  fc.constant(""),
  fc.constant("   "),
  fc.constant("# a comment"),
  fc.constant("#\tcaf\xc3\xa9 \xff\xfe"),
  fc.constant(`# ${"x".repeat(300)}`),
  fc.constant("  # set off"),
);

/** A text of such lines with entries in between, with and without a last newline. */
function textOf(entry: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.array(fc.oneof({ weight: 2, arbitrary: beside }, { weight: 3, arbitrary: entry }), {
        maxLength: 12,
      }),
      fc.boolean(),
    )
    .map(([lines, ends]) => (lines.length === 0 ? "" : lines.join("\n") + (ends ? "\n" : "")));
}

const PARAMETERS = [
  "mydomain",
  "myorigin",
  "smtpd_banner",
  "biff",
  "relayhost",
  "recipient_delimiter",
];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  mydomain: ["example.org", "example.net"],
  myorigin: ["$mydomain", "$myhostname", "mail.example.org"],
  smtpd_banner: ["$myhostname ESMTP", "$myhostname ESMTP \u00fc", "$myhostname  two blanks"],
  biff: ["yes", "no"],
  relayhost: ["", "[smtp.example.net]:587"],
  recipient_delimiter: ["", "+", "-"],
};
const setting = fc
  .constantFrom(...PARAMETERS)
  .chain((name) =>
    fc
      .tuple(
        fc.constantFrom(...(VALUES[name] ?? [""])),
        fc.constantFrom(" = ", "=", " =\t", "=   "),
        fc.constantFrom("", "", "  "),
      )
      .map(([value, equals, end]) =>
        Buffer.from(`${name}${equals}${value}${end}`).toString("latin1"),
      ),
  );
const continued = fc
  .tuple(fc.constantFrom("mydestination = $myhostname,", "mynetworks_style = host"), beside)
  .map(([first, between]) =>
    first.endsWith(",")
      ? `${first}\n\t localhost\n${between.trimStart()}\n  localhost.$mydomain`
      : first,
  );

function dictionary<V>(
  names: readonly string[],
  value: (name: string) => fc.Arbitrary<V>,
): fc.Arbitrary<Record<string, V>> {
  return fc
    .subarray([...names], { minLength: 1 })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, value(name)]))));
}

const targets = fc.array(
  fc.oneof(
    word,
    word.map((name) => `${name}@example.org`),
    fc.constant("|/bin/cat > /dev/null"),
  ),
  { minLength: 1, maxLength: 3 },
);
const ALIASES = ["root", "postmaster", "abuse", "team", "web-master"];

const FORMATS: readonly Format[] = [
  {
    kind: "MainCf",
    path: "/etc/postfix/main.cf",
    pairs: 10,
    pair: fc.record({
      text: textOf(fc.oneof(setting, continued)),
      args: dictionary(PARAMETERS, (name) =>
        fc.option(fc.constantFrom(...(VALUES[name] ?? [""])), { nil: null, freq: 5 }),
      ).map((parameters) => ({ parameters })),
    }),
  },
  {
    kind: "MasterCf",
    path: "/etc/postfix/master.cf",
    pairs: 10,
    pair: fc.record({
      text: textOf(
        fc.oneof(
          fc.constantFrom(
            "smtp inet n - y - - smtpd",
            "pickup\tunix  n - y 60 1 pickup\n  -o syslog_name=postfix/p",
            "#submission inet n - y - - smtpd\n#  -o syslog_name=postfix/submission",
            "relay unix - - y - - smtp\n# between\n        -o syslog_name=postfix/relay",
          ),
        ),
      ),
      args: fc
        .record({
          limit: fc.constantFrom("-", "5", "20"),
          name: fc.constantFrom("postfix/one", "postfix/two", null),
        })
        .map(({ limit, name }) => ({
          services: {
            "submission/inet": {
              command: "smtpd",
              chroot: "y",
              maxproc: limit,
              overrides: { syslog_name: name, smtpd_tls_security_level: "may" },
            },
          },
        })),
    }),
  },
  {
    kind: "Aliases",
    path: "/etc/postfix/aliases",
    pairs: 250,
    pair: fc.record({
      text: textOf(
        fc.oneof(
          fc
            .tuple(fc.constantFrom(...ALIASES), fc.constantFrom(": ", ":\t", ":", " : "), word)
            .map(([name, colon, target]) => `${name}${colon}${target}`),
          fc.constant("staff: alice,\n# between\n\tbob"),
        ),
      ),
      args: dictionary(ALIASES, () => targets).map((entries) => ({ entries })),
    }),
  },
  {
    kind: "LookupTable",
    path: "/etc/postfix/generated",
    pairs: 30,
    pair: fc.record({
      text: textOf(
        fc
          .tuple(word, fc.constantFrom(" ", "\t", "   "), word)
          .map(([key, gap, value]) => `${key}.example.org${gap}${value}`),
      ),
      args: fc
        .dictionary(
          word.map((name) => `${name}.example.com`),
          word,
          { minKeys: 1, maxKeys: 4 },
        )
        .map((entries) => ({ path: "/etc/postfix/generated", type: "hash", entries })),
    }),
  },
  {
    kind: "RcConfLocal",
    path: "/etc/rc.conf.local",
    pairs: 450,
    pair: fc.record({
      text: textOf(
        fc
          .tuple(
            fc.constantFrom("ntpd_flags", "apmd_flags", "syslogd_flags", "pkg_scripts"),
            fc.constantFrom("=", "= ", " ="),
            fc.constantFrom("", "-s", '"-a /x"', "NO"),
          )
          .map((parts) => parts.join("")),
      ),
      args: dictionary(["ntpd_flags", "apmd_flags", "httpd_flags"], () =>
        fc.constantFrom("", "-s", "-v -d", "NO"),
      ).map((variables) => ({ variables, boot: "unchanged" })),
    }),
  },
  {
    kind: "RootCrontab",
    path: "/var/cron/tabs/root",
    mode: 0o600,
    pairs: 250,
    pair: fc.record({
      text: textOf(
        fc.oneof(
          fc
            .tuple(fc.constantFrom("0", "*/5", "30"), word)
            .map(([minute, name]) => `${minute}\t*\t*\t*\t*\t/usr/bin/${name} -q`),
          fc.constantFrom("SHELL=/bin/sh", "0 0 * * * /usr/bin/newsyslog", "@daily /bin/true"),
        ),
      ).map((text) => (text === "" || text.endsWith("\n") ? text : `${text}\n`)),
      args: fc
        .constantFrom(["newsyslog"], ["/bin/true"], ["-q"])
        .map((commentOut) => ({ commentOut })),
    }),
  },
  {
    kind: "MailerConf",
    path: "/etc/mailer.conf",
    pairs: 150,
    pair: fc.record({
      text: textOf(
        fc.constantFrom(
          "sendmail\t/usr/sbin/smtpctl",
          "mailq /usr/sbin/smtpctl",
          "makemap\t\t/usr/sbin/smtpctl",
        ),
      ),
      args: fc.constant({}),
    }),
  },
];

const SEED = Number(
  // CI tries the same cases each time, so that what fails there is what was changed.
  process.env["PROPERTY_SEED"] ??
    (process.env["CI"] === undefined ? Date.now() % 1_000_000_000 : 1),
);

let host: TestHost;

beforeAll(async () => {
  process.stderr.write(`predicted: seed ${SEED}\n`);
  host = await startHost({ release: "7.8" });
  const connection = connectionTo(host);
  forgetPlans();
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf("7.8"), connection));
});
afterAll(() => host.stop());

function digest(bytes: Buffer | undefined): string {
  return bytes === undefined ? "absent" : createHash("sha256").update(bytes).digest("hex");
}

/** Every pair is a resource of its own, in a stack of its own, which is undone again: nothing is left for the next. */
async function compare(
  { kind, path, mode }: Format,
  { text, args }: Pair,
): Promise<[string, string]> {
  const real = join(host.root, path);
  writeFileSync(real, Buffer.from(text, "latin1"));
  // Postfix's tools wait until a file is two seconds old.
  utimesSync(real, 1, 1);
  if (mode !== undefined) chmodSync(real, mode);
  forgetPlans();
  const news = inputsOf(kind, args, connectionTo(host));
  const { inputs, failures } = await provider.check(kind, {}, news);
  if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("\n"));
  const predicted = overlayOf(connectionTo(host) as unknown as ConnectionArgs).predicted(path);
  const contents = predicted === undefined ? text : contentsOf(predicted);
  const { id, outs } = await provider.create(kind, inputs);
  const found = existsSync(real) ? readFileSync(real) : undefined;
  await provider.delete(kind, id, outs);
  return [
    digest(contents === undefined ? undefined : Buffer.from(contents, "latin1")),
    digest(found),
  ];
}

test("there are a thousand pairs or more", () => {
  expect(FORMATS.reduce((sum, { pairs }) => sum + pairs, 0)).toBeGreaterThanOrEqual(1000);
});

test.each(FORMATS)(
  "$kind: $pairs times, the hash that check predicts is the hash on the host after apply",
  async (format) => {
    const real = join(host.root, format.path);
    const original = existsSync(real) ? readFileSync(real) : undefined;
    let written = 0;
    await fc.assert(
      fc.asyncProperty(format.pair, async (pair) => {
        const [predicted, found] = await compare(format, pair);
        expect(predicted).toBe(found);
        if (found !== digest(Buffer.from(pair.text, "latin1"))) written += 1;
      }),
      { numRuns: format.pairs, seed: SEED, endOnFailure: true },
    );
    // A law that never sees a change would hold of anything.
    expect(written).toBeGreaterThan(format.pairs / 4);
    if (original === undefined) rmSync(real, { force: true });
    else writeFileSync(real, original);
  },
  600_000,
);
