// Holds provider/host/agent.pl to Perl 5.10.1, which OpenBSD 4.7 has in base: it compiles without a warning, loads
// only modules that were in that version's core, calls only functions that these had, and has no syntax that came
// later. Needs nothing but perl; where Perl::MinimumVersion (libperl-minimumversion-perl) is installed it is asked too.
//
//   node tools/lint-agent.mjs [FILE]
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Core modules of 5.10.1 that the agent may load. */
const modules = new Set(
  "strict warnings constant Config Cwd Digest::SHA Errno Fcntl IO::Handle POSIX Socket Time::HiRes".split(
    " ",
  ),
);

/** Functions and constants that may be called by their full names; all of them are in the documentation of 5.10.1. */
const qualified = new Set(
  (
    "Config::Config Cwd::abs_path Digest::SHA::sha256_hex " +
    "POSIX::ECHO POSIX::OPOST POSIX::O_RDWR POSIX::TCSANOW POSIX::Termios POSIX::WNOHANG POSIX::_SC_OPEN_MAX " +
    "POSIX::W_OK POSIX::_exit POSIX::access POSIX::close POSIX::dup2 POSIX::open POSIX::setsid POSIX::strftime POSIX::sysconf " +
    "Socket::AF_INET Socket::AF_INET6 Socket::SOCK_STREAM Socket::SOL_SOCKET Socket::SO_ERROR Socket::inet_aton " +
    "Socket::pack_sockaddr_in Time::HiRes::CLOCK_MONOTONIC Time::HiRes::clock_gettime Time::HiRes::time " +
    "IO::Handle::sync Digest::SHA"
  ).split(" "),
);

/** Syntax younger than 5.10.1 (or forbidden at any age): a name, what it looks like, and an example that must be found. */
const rules = [
  ["postfix dereference (5.20)", /->(?:[@%&*]\*|\$\*|\$#\*|[@%][[{])/, "push $list->@*, 1;"],
  [
    "s///r (5.14)",
    /\b(?:s|tr|y)([/#!,|])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1[a-qs-z]*r/,
    "my $x = $y =~ s/a/b/gr;",
  ],
  [
    "s{}{}r (5.14)",
    /\b(?:s|tr|y)\{(?:\\.|[^{}])*\}\s*\{(?:\\.|[^{}])*\}[a-qs-z]*r/,
    "$x =~ s{a}{b}r;",
  ],
  [
    "pattern flags a, u, l, n, xx (5.14 and later)",
    /=~\s*(?:m\s*)?\/(?:\\.|[^/\\\n])*\/[a-z]*(?:[auln]|xx)/,
    "$x =~ /a/a;",
  ],
  [
    "package with a block or version (5.12, 5.14)",
    /^\s*package\s+[\w:]+\s*(?:\{|v?[0-9])/m,
    "package Foo {",
  ],
  [
    "keys, values or each of an array (5.12)",
    /\b(?:keys|values|each)\s*\(?\s*@/,
    "for (keys @list) {}",
  ],
  ["the yada statement (5.12)", /^\s*\.\.\.\s*;?\s*$/m, "    ...;"],
  ["delete local (5.12)", /\bdelete\s+local\b/, "delete local $h{x};"],
  [
    "a feature of a later version",
    /\buse\s+(?:feature|experimental|v?5\b|utf8|builtin)/,
    "use feature 'say';",
  ],
  ["say, given, when, state, fc", /^\s*(?:say|given|when|state|fc)\b(?!\s*=>)/m, "say 'x';"],
  ["__SUB__ (5.16)", /\b__SUB__\b/, "__SUB__->();"],
  ["\\o{} (5.14)", /\\o\{/, '"\\o{17}"'],
  ["an indented here-document (5.26)", /<<~/, "print <<~X;"],
  ["a signature (5.20)", /\bsub\b[^{;\n]*\([^)\n]*\$[a-z_]/i, "sub f ($x) {"],
  [
    "a slice of keys and values (5.20)",
    /(?<![\w$@%&*)\]}]\s*)%\$?\w+\s*[[{](?!\$)/,
    "my %x = %h{'a'};",
  ],
  ["several loop variables (5.36)", /\bfor(?:each)?\s+my\s*\(/, "for my ($a, $b) (@x) {"],
  ["isa (5.32)", /\$\w+\s+isa\s+/, "$x isa Foo"],
  ["builtin:: (5.36)", /\bbuiltin::/, "builtin::true"],
  ["try and catch (5.34)", /^\s*try\s*\{/m, "try {"],
  // Not a question of age: no shell, ever, and no string as a program.
  ["a shell: qx, backticks, system", /\bqx\b|\bsystem\b|(?<!\\)`/, "system 'ls';"],
  ["exec of a string", /\bexec\s+(?!\{)/, 'exec "ls";'],
  [
    "open of a program or with two arguments",
    /\bopen\s*\(?\s*(?:my\s+)?\$?\w+\s*,\s*(?:"|'[^'+<>]*\|)/,
    'open my $h, "ls|";',
  ],
  ["eval of a string", /\beval\s*(?:\(|["'$q])/, "eval $text;"],
];

const problems = [];
const complain = (text) => problems.push(text);

/** The program without its comments: a "#" at the start of a line, or after two spaces (the file's own style). */
function codeOf(text) {
  return text
    .split("\n")
    .map((line) => line.replace(/^\s*#.*$/, "").replace(/\s{2,}#.*$/, ""))
    .join("\n");
}

const lineOf = (text, index) => text.slice(0, index).split("\n").length;

const file =
  process.argv[2] ?? fileURLToPath(new URL("../provider/host/agent.pl", import.meta.url));
const text = readFileSync(file, "latin1");
const code = codeOf(text);

for (const [name, pattern, example] of rules) {
  if (!pattern.test(example))
    complain(`this check is broken: it does not find "${name}" in ${example}`);
  const found = new RegExp(pattern.source, `${pattern.flags}g`);
  for (const match of code.matchAll(found))
    complain(`${file}:${lineOf(code, match.index)}: ${name}: ${match[0].trim()}`);
}

for (const match of code.matchAll(/^\s*(?:use|require|no)\s+([\w:]+)/gm)) {
  if (!modules.has(match[1]))
    complain(`${file}:${lineOf(code, match.index)}: ${match[1]} is not an allowed module`);
}
for (const pragma of ["strict", "warnings"]) {
  if (!new RegExp(`^use ${pragma};`, "m").test(code)) complain(`${file}: lacks "use ${pragma};"`);
}

for (const match of code.matchAll(/\b([A-Z]\w*(?:::\w+)+)/g)) {
  if (!qualified.has(match[1]) && !modules.has(match[1])) {
    complain(
      `${file}:${lineOf(code, match.index)}: ${match[1]} is not on the list of names that Perl 5.10.1 has`,
    );
  }
}

// A line that is not ASCII, or too long to be read, has no place in a program that is reviewed line by line.
text.split("\n").forEach((line, index) => {
  if (/[^\t\x20-\x7e]/.test(line)) complain(`${file}:${index + 1}: not ASCII`);
  if (line.length > 120) complain(`${file}:${index + 1}: ${line.length} columns`);
  if (/\s$/.test(line)) complain(`${file}:${index + 1}: blanks at the end`);
});

/** Runs perl; its error output, and whether it could be run at all. */
function perl(...args) {
  const { status, stdout, stderr, error } = spawnSync("perl", args, { encoding: "latin1" });
  if (error !== undefined) complain(`perl cannot be run: ${error.message}`);
  return { status, stdout: stdout ?? "", stderr: stderr ?? "" };
}

const compiled = perl("-cw", file);
if (compiled.status !== 0 || compiled.stderr.trim() !== `${file} syntax OK`)
  complain(compiled.stderr.trim());

// Module::CoreList comes with perl (on Debian with the package perl, not with perl-base).
const listed = perl(
  "-MModule::CoreList",
  "-e",
  'for (@ARGV) { my $first = Module::CoreList->first_release($_); print "$_\\n" if !$first || $first > 5.010001 }',
  ...modules,
);
if (listed.status === 0)
  for (const name of listed.stdout.split("\n").filter(Boolean))
    complain(`${name} came after 5.10.1`);

const minimum = perl(
  "-MPerl::MinimumVersion",
  "-e",
  "print Perl::MinimumVersion->new($ARGV[0])->minimum_version->numify",
  file,
);
if (minimum.status === 0 && Number(minimum.stdout) > 5.010001)
  complain(`${file} needs Perl ${minimum.stdout}`);

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
