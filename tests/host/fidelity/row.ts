import type { Facts, Release } from "../../../testing";
import { isBefore } from "../../../testing/image/releases";

/** What a stream must hold: exactly this text, or something that matches. */
export type Expected = string | RegExp;

/** One fact about OpenBSD, and what shows it on a host. */
export interface Row {
  /** Section of docs/openbsd.md. */
  readonly section: string;
  /** The fact; the test's name. */
  readonly fact: string;
  readonly releases?: readonly Release[];
  /** Start the machine again before the script. */
  readonly reboot?: boolean;
  /** Run by `/bin/sh -c` as root, with nobody on a terminal. */
  readonly script: string;
  readonly stdin?: string;
  /** Silence is a fact too: what is left out must be empty. */
  readonly stdout?: Expected;
  readonly stderr?: Expected;
  /** Default 0. */
  readonly exit?: number;
}

/** Rows that run one after the other on one fresh host, each on what those before it left. */
export interface Story {
  readonly title: string;
  readonly releases: readonly Release[];
  /** Other answers that the host gives to what is unconfirmed. */
  readonly facts?: Facts;
  readonly rows: readonly Row[];
}

/** One release of each family, and of what differs within one. */
export const tried = ["4.7", "4.9", "5.0", "5.5", "5.6", "5.7", "7.8"] as const satisfies Release[];

/** Those of {@link tried} from a release on. */
export function since(release: Release): Release[] {
  return tried.filter((one) => !isBefore(one, release));
}

/** Those of {@link tried} before a release. */
export function before(release: Release): Release[] {
  return tried.filter((one) => isBefore(one, release));
}

/** Those of {@link tried} from a release on and before another. */
export function between(first: Release, end: Release): Release[] {
  return since(first).filter((one) => isBefore(one, end));
}

/** For a stream that is not what a row is about. */
export const anything = /(?:)/;

/** Where the packages of a release are on its host, as PKG_PATH has it. */
export function mirror(release: Release): string {
  const arch = release.startsWith("4.") ? "i386" : "amd64";
  return `file:/mirror/pub/OpenBSD/${release}/packages/${arch}/`;
}

/** The command that installs the release's plain Postfix, for stories about something else. */
export const installPostfix = [
  `packages=/mirror/pub/OpenBSD/$(uname -r)/packages/$(arch -s)`,
  // The stable one: snapshots carry a date, and the branch beside it is older.
  `name=$(ls $packages | grep '^postfix-[0-9][0-9.p]*\\.tgz' | grep -v '\\.[0-9]\\{8\\}' | sort -t. -k1,1 -k2,2n -k3,3n | tail -1)`,
  `PKG_PATH=file:$packages/ pkg_add -x $name >/dev/null`,
].join("\n");

/** A question that is asked until it is answered with success, for ten seconds. */
export function eventually(question: string): string {
  return [
    `i=0`,
    `until { ${question}; } >/dev/null 2>&1; do`,
    `  i=$((i + 1)); [ $i -lt 100 ] || { echo "never: "${JSON.stringify(question).replace(/[$`]/g, "\\$&")} >&2; exit 99; }`,
    `  sleep 0.1`,
    `done`,
  ].join("\n");
}

/** Says EHLO to the mail server on loopback and prints what it answers. */
export const smtpDialogue = [
  `perl -MIO::Socket::INET -e '`,
  `  my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 5) or die "connect: $!\\n";`,
  `  my $reply = sub { while (<$s>) { s/\\r//; print; last if /^\\d+ / } };`,
  `  $reply->();`,
  `  for (@ARGV) { print $s "$_\\r\\n"; $reply->() }`,
  `' --`,
].join("\n");
