/**
 * The editors against Postfix itself: what was set is what postconf, postmap and postalias read. Each of thousands of
 * files is a case; one process on the host takes all files of a kind.
 */
import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import * as aliases from "../../provider/formats/aliases";
import type { Bytes } from "../../provider/formats/bytes";
import * as mainCf from "../../provider/formats/mainCf";
import * as masterCf from "../../provider/formats/masterCf";
import * as table from "../../provider/formats/table";
import { startHost, type TestHost } from "../../testing";
import * as aliasesTexts from "../unit/formats/aliasesTexts";
import * as mainTexts from "../unit/formats/mainCfTexts";
import * as masterTexts from "../unit/formats/masterCfTexts";
import * as tableTexts from "../unit/formats/tableTexts";
import { connectionTo, packageOf } from "../preview/server";
import { create, inputsOf } from "./provider";

const seed = Number(
  // CI tries the same cases each time, so that what fails there is what was changed.
  process.env["PROPERTY_SEED"] ??
    (process.env["CI"] === undefined ? Math.floor(Math.random() * 0x7fff_ffff) : 3),
);

/** Files of each kind; each is looked at through every key that is in it. */
const FILES = Number(process.env["PROPERTY_FILES"] ?? 600);

let host: TestHost;
beforeAll(async () => {
  process.stderr.write(`${FILES} files of each kind, PROPERTY_SEED=${seed}\n`);
  host = await startHost({ release: "7.8" });
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf("7.8"), connectionTo(host)));
});
afterAll(() => host.stop());

/**
 * Writes each text to a file of its own and runs a Perl expression for it, which sees its folder as $d; gives what each
 * printed. Bytes go and come in hexadecimal.
 */
async function each(name: string, texts: readonly Bytes[], expression: string): Promise<Bytes[]> {
  const script = `
use strict; use warnings;
my $d = "/tmp/formats"; mkdir $d;
open my $out, '>&', \\*STDOUT or die;
sub run { my @argv = @_; open my $p, '-|', @argv or die "@argv: $!"; local $/; my $got = <$p>; close $p; return defined $got ? $got : ""; }
open STDERR, '>', '/dev/null';
# Postfix's tools wait until a file is two seconds old.
my $aged = sub { utime 1, 1, @_ };
while (<STDIN>) { chomp; my ($hex) = $_; unlink glob "$d/*";
  open my $f, '>', "$d/${name}" or die; binmode $f; print $f pack 'H*', $hex; close $f; $aged->("$d/${name}");
  my $got = do { ${expression} };
  print $out unpack('H*', $got), "\\n"; }
`;
  const { exitCode, stdout, stderr } = await host.exec(["/usr/bin/perl", "-e", script], {
    stdin: texts.map((text) => `${Buffer.from(text, "latin1").toString("hex")}\n`).join(""),
  });
  if (exitCode !== 0) throw new Error(stderr);
  const answers = stdout.split("\n").slice(0, -1);
  expect(answers).toHaveLength(texts.length);
  return answers.map((hex) => Buffer.from(hex, "hex").toString("latin1"));
}

/** A tool under the configuration that comes with the package: without one it would end in an error, after a second. */
const tool = (name: string, words: string): string =>
  `run("/usr/local/sbin/${name}", "-c", "/usr/local/share/examples/postfix", ${words})`;

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns = FILES): T[] =>
  fc.sample(arbitrary, { numRuns, seed });

/** The text without the lines that make Postfix stop. */
function mended(text: Bytes, faults: (text: Bytes) => readonly { readonly line: number }[]): Bytes {
  const [first] = faults(text);
  if (first === undefined) return text;
  const lines = text.split("\n");
  lines.splice(first.line - 1, 1);
  return mended(lines.join("\n"), faults);
}

const squeezed = (value: Bytes): Bytes => value.replace(/[ \t\r\n\v\f]+/g, " ").trim();

/** Lines of the shape that `postmap -s` and `postalias -s` print, in one order: a key may hold a tab itself. */
function pairs(printed: Bytes): Bytes[] {
  return printed
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => line.replace(/\s+$/, ""))
    .sort();
}

const renamed = (text: Bytes): Bytes => text.replaceAll("mydomain", "relayhost");

test("main.cf: what was set is what postconf prints, and so is everything else in the file", async () => {
  const cases = sample(
    fc.tuple(mainTexts.texts, fc.constantFrom(...mainTexts.names), mainTexts.values),
    // Postfix's tools stop at a domain that is none: another name in its place.
  ).map(([text, name, value]) => renamed(mainCf.set(text, name, value)));
  // A line in error makes postconf stop, which is what \`faults\` says of it.
  const texts = cases.map((text) => mended(text, mainCf.faults));
  // A fatal error takes Postfix's tools a second.
  const broken = cases
    .filter((text) => mainCf.faults(text).some(({ reason }) => reason.includes("name = value")))
    .slice(0, 3);
  expect(texts.length).toBeGreaterThan(FILES / 2);
  const printed = await each(
    "main.cf",
    texts,
    `run("/usr/local/sbin/postconf", "-c", $d, "relayhost", "virtual_transport")`,
  );
  const named = new Set(["relayhost", "virtual_transport"]);
  texts.forEach((text, nth) => {
    const found = new Map(
      (printed[nth] ?? "").split("\n").flatMap((line) => {
        const [, name = "", value = ""] = /^([^ =]+) = ?([^]*)$/.exec(line) ?? [];
        return name === "" ? [] : [[name, squeezed(value)] as const];
      }),
    );
    for (const name of found.keys())
      if (named.has(name) && mainCf.get(text, name) !== undefined)
        expect({ text, name, value: found.get(name) }).toEqual({
          text,
          name,
          value: squeezed(mainCf.get(text, name) ?? ""),
        });
  });
  const stopped = await each(
    "main.cf",
    broken,
    `run("/usr/local/sbin/postconf", "-c", $d, "-n"); $? >> 8`,
  );
  expect(new Set(stopped)).toEqual(new Set(broken.length > 0 ? ["1"] : []));
});

test("master.cf: what was set is what postconf -M, -F and -P print, and so is every other service", async () => {
  const cases = sample(
    fc.tuple(masterTexts.texts, fc.constantFrom(...masterTexts.names), masterTexts.services),
  ).flatMap(([hostile, name, service]) => {
    const text = mended(hostile, masterCf.faults);
    try {
      return [masterCf.set(text, name, service)];
    } catch {
      return [];
    }
  });
  // Of two lines for one service `postconf -P` prints the overrides of
  // both. Of an option without a blank, postconf(1) takes a second "o" for another option (pcf_normalize_daemon_args()); the
  // daemons do not.
  const texts = cases
    .filter((text) => masterCf.faults(text).length === 0)
    .filter((text) => masterCf.duplicates(text).length === 0)
    .map((text) => text.replaceAll("-ocontent", "-o content"));
  const postconf = (options: string): string =>
    `run("/usr/local/sbin/postconf", "-c", $d, ${options})`;
  const printed = await each(
    "master.cf",
    texts,
    `open my $m, '>', "$d/main.cf"; close $m; $aged->("$d/main.cf"); ${postconf('"-F"')} . "\\0" . ${postconf('"-P"')} . "\\0$?"`,
  );
  let compared = 0;
  texts.forEach((text, nth) => {
    const [fields = "", parameters = "", status] = (printed[nth] ?? "").split("\0");
    if (status !== "0") {
      // What faults() passes, postconf(1) stops at for a value only that it cannot expand.
      expect(text).toContain("$");
      return;
    }
    compared += 1;
    const read = (some: string): Map<string, string> =>
      new Map(
        some.split("\n").flatMap((line) => {
          // The name of a service may hold blanks: `{ x }`.
          const [, name = "", value = ""] = /^(.+?\/[^/ ]+\/[^/ ]+) = ?([^]*)$/.exec(line) ?? [];
          return name === "" ? [] : [[name, squeezed(value)] as const];
        }),
      );
    const services = masterCf.services(text);
    const wanted = new Map<string, string>();
    const overrides = new Map<string, string>();
    for (const [name, service] of services) {
      wanted.set(`${name}/private`, service.private);
      wanted.set(`${name}/unprivileged`, service.unprivileged);
      wanted.set(`${name}/chroot`, service.chroot);
      wanted.set(`${name}/wakeup`, service.wakeup);
      wanted.set(`${name}/process_limit`, service.maxproc);
      for (const [parameter, value] of Object.entries(service.overrides))
        overrides.set(`${name}/${parameter}`, squeezed(value));
    }
    const found = [...read(fields)].filter(([name]) => !/\/(service|type|command)$/.test(name));
    expect({ text, fields: new Map(found) }).toEqual({ text, fields: wanted });
    expect({ text, overrides: read(parameters) }).toEqual({ text, overrides });
  });
  expect(compared).toBeGreaterThan(FILES / 2);
});

test("lookup tables: what postmap stores is one of the readings, and what was set is found", async () => {
  const cases = sample(
    fc.tuple(tableTexts.texts, fc.constantFrom(...tableTexts.keys), tableTexts.values),
  ).map(([text, key, value]) => ({ key, value, text: table.set(text, key, value) }));
  const printed = await each(
    "table",
    cases.map(({ text }) => text),
    `${tool("postmap", '"hash:$d/table"')}; ${tool("postmap", '"-s", "hash:$d/table"')}`,
  );
  cases.forEach(({ text, key, value }, nth) => {
    const stored = pairs(printed[nth] ?? "");
    expect({ text, stored }).toEqual({
      text,
      stored: expect.arrayContaining([`${key}\t${value}`]) as unknown,
    });
    const readings = table
      .compiled(text)
      .map((reading) => pairs([...reading].map((pair) => pair.join("\t")).join("\n")));
    // One at a time, so that a failure shows where they differ.
    const fitting = readings.find((reading) => isDeepStrictEqual(reading, stored)) ?? readings[0];
    expect({ text, stored }).toEqual({ text, stored: fitting });
  });
});

test("aliases: what postalias stores is what was compiled, and what was set is found", async () => {
  const cases = sample(
    fc.tuple(aliasesTexts.texts, fc.constantFrom(...aliasesTexts.names), aliasesTexts.values),
  ).map(([text, name, targets]) => aliases.set(text, name, targets));
  const printed = await each(
    "aliases",
    cases,
    `${tool("postalias", '"hash:$d/aliases"')}; ${tool("postalias", '"-s", "hash:$d/aliases"')}`,
  );
  cases.forEach((text, nth) => {
    const stored = pairs(printed[nth] ?? "").filter((line) => !/^(@:?|YP_[^\t]*)\t/.test(line));
    const compiled = pairs(
      [...aliases.compiled(text)].map(([name, value]) => `${name}:\t${value}`).join("\n"),
    );
    expect({ text, stored }).toEqual({ text, stored: compiled });
  });
});
