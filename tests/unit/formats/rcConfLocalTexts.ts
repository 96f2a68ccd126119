import fc from "fast-check";
import { manyLines } from "./manyLines";
import type { RcNames, RcSyntax } from "../../../provider/formats/rcConfLocal";

/** What rc.subr of a late release reads. */
export const parsed: RcNames = {
  endings: ["flags", "user", "timeout", "rtable", "logger", "execdir"],
  names: ["check_quotas", "library_aslr", "multicast", "pexp", "pf", "pkg_scripts"],
};

/** Both ways of reading the file, by name. */
export const syntaxes: readonly (readonly ["parsed" | "sourced", RcSyntax])[] = [
  ["parsed", parsed],
  ["sourced", "sourced"],
];

/** Names that rc.subr reads, and that begin alike. */
export const names = ["syslogd_flags", "d_flags", "pkg_scripts", "pf"] as const;

const blanks = fc.constantFrom("", " ", "\t", "  ");
const name = fc.constantFrom(...names);
const text = fc.constantFrom(
  "-a",
  "/var/spool/x",
  "NO",
  "",
  "postfix",
  "\xff\xfe",
  "\xc3\xa9",
  "\r",
  "=",
);
const words = fc.array(text, { maxLength: 3 }).map((parts) => parts.join(" "));
const end = fc.constantFrom("\n", "\n", "\n", "\n", "\r\n");

const bare = fc.constantFrom("NO", "YES", "", "-bd", "a#b", "\xe9", "a\\ b", "~/x", "1,2");
const quoted = fc.oneof(
  words.map((value) => `"${value}"`),
  words.map((value) => `'${value}'`),
  words.map((value) => `"${value}`),
  fc.constantFrom('"a # b"', "'a # b'", '""x""', '"', "''", "'a'b\"c\""),
);
const comment = fc.constantFrom("", "", "", " # why", "#x", "\t#", " ;");

const parsedLine = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        blanks,
        fc.oneof(name, fc.constant("Syslogd_Flags")),
        blanks,
        blanks,
        fc.oneof(bare, quoted),
        comment,
      )
      .map(([a, n, b, c, v, d]) => `${a}${n}${b}=${c}${v}${d}`),
  },
  { weight: 2, arbitrary: fc.tuple(blanks, words).map(([b, w]) => `${b}#${w}`) },
  { weight: 2, arbitrary: blanks },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "unknown=1",
      "=x",
      "pf",
      "#pf=NO",
      "export pf=NO",
      "if true; then pf=NO; fi",
      "export d_flags=-x",
      "EXPORT Syslogd_Flags = '-a /x' # why",
      "[ -x /usr/sbin/d ] && d_flags=-y",
      "unset pkg_scripts; x_flags=",
      "a-b_flags=1",
      "\0",
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary-ascii", maxLength: 10 })
      .map((line) => line.replaceAll("\n", "")),
  },
);

/** Statements that are not touched, each a whole. */
const otherShell = fc.constantFrom(
  "if [ -x /usr/local/sbin/x ]; then\n\tpkg_scripts=x\nfi",
  "pf=NO; d_flags=",
  "d_flags=`cat /etc/flags`",
  'pkg_scripts="$(ls /etc/rc.d)"',
  'pf="${pf:-YES}"',
  "case $1 in\na) pf=NO ;;\n*) ;;\nesac",
  "for i in 1 2; do d_flags=$i; done",
  "f() {\n\tpf=NO\n}",
  "( pf=NO )",
  "[ -f /x ] && pf=NO",
  "echo hello >/dev/null",
  ". /etc/rc.site",
  "unset pf",
  'other="a b"',
  'syslogd_flags="${other}"',
  "A=1 B=2",
  "PATH=/bin; export PATH",
  "export PATH",
  "pf=NO true",
  "true &",
  "f '\n' |\n\ncat",
);

const plainValue = fc.oneof(
  fc.constantFrom("NO", "YES", "", "-bd", "a#b", "\xe9", "a\\ b", "\\\nx", "$."),
  words.map((value) => `"${value}"`),
  words.map((value) => `'${value}'`),
  fc.constantFrom("'a\nb'", '"a\n\tb"', `'a'b"c"`, '"a\\"b"', "'$x'", '"a\\\nb"', '"$"', "''"),
  fc.constantFrom('"\\x"', '":~"', "':'~", "\\~"),
);

function assignment(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(blanks, fc.constantFrom("", "", "", "export "), name, value, comment)
    .map(([a, e, n, v, c]) => `${a}${e}${n}=${v}${c}`);
}

const addition = fc
  .tuple(name, fc.constantFrom("${N} -x", "$N", "${N}", '${N}a\\"', "$N -a /var/spool/x"))
  .map(([n, value]) => `${n}="${value.replace("N", n)}"`);

const remark = fc.tuple(blanks, words).map(([b, w]) => `${b}#${w}`);

const sourcedLine = fc.oneof(
  {
    weight: 6,
    arbitrary: assignment(
      fc.oneof({ weight: 9, arbitrary: plainValue }, fc.constantFrom("~/x", "a:~", "\0")),
    ),
  },
  { weight: 2, arbitrary: addition },
  { weight: 2, arbitrary: remark },
  { weight: 2, arbitrary: blanks },
  { weight: 2, arbitrary: otherShell },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary-ascii", maxLength: 6 })
      .map((line) => line.replaceAll("\n", "")),
  },
);

/** Nothing but assignments whose values can be told, for a real shell to read. */
export const assignments = fc
  .array(fc.oneof({ weight: 4, arbitrary: assignment(plainValue) }, addition, remark, blanks), {
    maxLength: 8,
  })
  .map((all) => all.join("\n"));

function file(line: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(manyLines(fc.tuple(line, end), 10), line, fc.boolean())
    .map(
      ([all, last, open]) =>
        all.map(([one, newline]) => one + newline).join("") + (open ? last : ""),
    );
}

/** rc.conf.local as nobody would write it. */
export const texts: Readonly<Record<"parsed" | "sourced", fc.Arbitrary<string>>> = {
  parsed: file(parsedLine),
  sourced: file(sourcedLine),
};

/** Values that `set` takes. */
export function values(syntax: RcSyntax): fc.Arbitrary<string> {
  return fc
    .oneof(
      words,
      fc.constantFrom("NO", '"', "''", "'\"", "$HOME", "`x`", "\\", "a'b\"c$d", " ", "${x}"),
      fc.string({ unit: "binary-ascii", maxLength: 10 }),
    )
    .map((value) => value.replace(syntax === "sourced" ? /[\n\0]/g : /[\n\0#]/g, ""));
}

export const flags = fc.constantFrom("-a /path", "-b", "postfix", "-a /var/spool/x", "-x");

export const foreignLine = fc.constantFrom(
  "# note\n",
  "\n",
  "ntpd_flags=\n",
  "inetd_flags=NO # off\n",
);
