/**
 * What a preview prints of a file is, to the byte, what `up` writes: the printed diffs, applied as patches to the files of
 * before, give the files of after. Through the real CLI, with generated files and changes.
 */
import { applyPatch } from "diff";
import fc from "fast-check";
import { join } from "node:path";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { connectionTo, installPostfix, RELEASES } from "./server";
import { printedUnder, Project } from "./stack";

/** CI tries the same cases each time, so that what fails there is what was changed. */
const seed = Number(
  process.env["PROPERTY_SEED"] ?? (process.env["CI"] === undefined ? Date.now() % 1e9 : 1),
);

interface Pair {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  /** What an admin has there; `undefined` for what the package brought. */
  readonly text?: string;
  readonly args: Record<string, unknown>;
}

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);
const beside = fc.constantFrom(
  "",
  "   ",
  "# a comment",
  "#\tcafé",
  `# ${"x".repeat(300)}`,
  "  # set off",
);

/** Lines of a format with such lines in between, with and without a last newline. */
function textOf(entry: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(fc.oneof(beside, entry), { minLength: 1, maxLength: 40 }), fc.boolean())
    .map(([lines, ends]) => lines.join("\n") + (ends ? "\n" : ""));
}

const tableText = textOf(
  fc
    .tuple(word, fc.constantFrom(" ", "\t", "   "), word)
    .map(([key, gap, value]) => `${key}.example.org${gap}${value}`),
);
const tableEntries = fc.dictionary(
  word.map((name) => `${name}.example.com`),
  word,
  { minKeys: 1, maxKeys: 4 },
);
const aliasText = textOf(
  fc
    .tuple(word, fc.constantFrom(": ", ":\t", " : "), word)
    .map(([name, colon, target]) => `x-${name}${colon}${target}`),
);
const aliasEntries = fc.dictionary(
  word.map((name) => `y-${name}`),
  fc.array(word, { minLength: 1, maxLength: 3 }),
  { minKeys: 1, maxKeys: 3 },
);

/** Ten tables, ten alias files, and one of each file of which there is only one. */
function pairs(): Pair[] {
  const some = <T>(arbitrary: fc.Arbitrary<T>, from: number): T[] =>
    fc.sample(arbitrary, { numRuns: 10, seed: seed + from });
  const tables = some(fc.record({ text: tableText, entries: tableEntries }), 1).map(
    ({ text, entries }, nth): Pair => {
      const path = `/etc/postfix/generated-${nth}`;
      return {
        name: `table-${nth}`,
        kind: "LookupTable",
        path,
        text,
        args: { path, type: "hash", entries },
      };
    },
  );
  const aliases = some(fc.record({ text: aliasText, entries: aliasEntries }), 2).map(
    ({ text, entries }, nth): Pair => {
      const path = `/etc/mail/generated-${nth}`;
      return { name: `aliases-${nth}`, kind: "Aliases", path, text, args: { file: path, entries } };
    },
  );
  const [rc = ""] = some(
    textOf(fc.constantFrom("apmd_flags=", "apmd_flags=-A", "ntpd_flags=NO")),
    3,
  );
  const [cron = ""] = some(textOf(word.map((name) => `0\t*\t*\t*\t*\t/usr/bin/${name} -q`)), 4);
  return [
    ...tables,
    ...aliases,
    {
      name: "rc",
      kind: "RcConfLocal",
      path: "/etc/rc.conf.local",
      text: rc.replace(/\n?$/, "\n"),
      args: { boot: "unchanged", logSocket: false, variables: { apmd_flags: "-C" } },
    },
    {
      name: "crontab",
      kind: "RootCrontab",
      path: "/var/cron/tabs/root",
      text: cron.replace(/\n?$/, "\n"),
      args: { commentOut: ["/usr/bin/"] },
    },
    {
      name: "main",
      kind: "MainCf",
      path: "/etc/postfix/main.cf",
      text: "# of an admin\nmail_owner = _postfix\nsetgid_group = _postdrop\nmydomain =\n# between\n  example.net\n\nbiff = yes\n",
      args: { parameters: { myhostname: "mx.example.org", biff: false, mydomain: null } },
    },
    {
      name: "master",
      kind: "MasterCf",
      path: "/etc/postfix/master.cf",
      args: {
        services: {
          "submission/inet": { command: "smtpd", overrides: { syslog_name: "postfix/submission" } },
        },
      },
    },
  ];
}

/** The part of what was printed that is the diff of one file. */
function patchOf(printed: string, path: string): string {
  const from = printed.indexOf(`--- ${path}\tnow`);
  if (from < 0) return "";
  const lines = printed.slice(from).split("\n");
  const end = lines.findIndex((line, nth) => nth > 1 && !/^[ +\-@\\]/.test(line));
  return `${lines.slice(0, end < 0 ? undefined : end).join("\n")}\n`;
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let project: Project;
  const all = pairs();
  const file = ({ path }: Pair): string => join(host.root, path);

  beforeAll(async () => {
    host = await startHost({ release });
    await installPostfix(host);
    mkdirSync(join(host.root, "/etc/mail"), { recursive: true });
    for (const pair of all) if (pair.text !== undefined) writeFileSync(file(pair), pair.text);
    const made = all.map(
      ({ name, kind, args }) =>
        `new components[${JSON.stringify(kind)}](${JSON.stringify(name)}, { connection, ...${JSON.stringify(args)} });`,
    );
    project = await Project.create({
      program: `const components = require("pulumi-openbsd-postfix"); const connection = ${JSON.stringify(connectionTo(host))};\n${made.join("\n")}`,
    });
  });
  afterAll(async () => {
    project.remove();
    await host.stop();
  });

  test(`of ${all.length} files, the diff that the preview prints is what up does, and destroy undoes it`, async () => {
    const before = await host.snapshot();
    const texts = all.map((pair) => readFileSync(file(pair), "utf8"));
    const preview = await project.preview();
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await project.up();
    let changed = 0;
    all.forEach((pair, nth) => {
      const text = texts[nth] ?? "";
      const printed = printedUnder(preview, pair.name);
      // Of a file that others on the host may not read, the preview says only that it will be another.
      if (printed.includes(`replace ${pair.path} (`)) {
        expect(readFileSync(file(pair), "utf8")).not.toBe(text);
        changed += 1;
        return;
      }
      const patch = patchOf(printed, pair.path);
      const predicted = patch === "" ? text : applyPatch(text, patch);
      expect({ path: pair.path, text: predicted }).toEqual({
        path: pair.path,
        text: readFileSync(file(pair), "utf8"),
      });
      if (predicted !== text) changed += 1;
    });
    expect(changed).toBeGreaterThanOrEqual(20);
    await project.destroy();
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });
});
