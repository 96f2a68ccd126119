/** What the demo asks of the test host, and does to it. */
import type { Release, TestHost } from "../../testing";
import { isBefore, wanted } from "./program";

/** Runs a shell command as root on the host, not over SSH. Anything but success is an error. */
export async function shell(host: TestHost, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await host.exec(["/bin/sh", "-c", command]);
  if (exitCode === 0) return stdout;
  throw new Error(`on the host, ${command}: exit status ${exitCode}\n${stdout}${stderr}`);
}

/** The first line that answers on port 25 of the host; "" if nothing does. */
export async function bannerOf(host: TestHost): Promise<string> {
  const script =
    'my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 5) or exit 0;' +
    'print scalar <$s>; print $s "QUIT\\r\\n"; <$s>';
  const { stdout } = await host.exec(["perl", "-MIO::Socket::INET", "-e", script]);
  return stdout.trim();
}

/** What the first preview must show, by the component under which it must stand. */
export function expectedPreview(release: Release): Readonly<Record<string, readonly string[]>> {
  // Sendmail up to 5.5, smtpd since (docs/openbsd.md 0); package daemons have rc.d scripts from 5.0 on.
  const sendmail = isBefore(release, "5.6");
  const noScripts = isBefore(release, "5.0");
  return {
    "mx-package": ["install postfix-"],
    "mx-aliases": ["+webmaster: root", "rebuild /etc/postfix/aliases.db"],
    "mx-main-cf": [`+myhostname = ${wanted.hostname}`],
    "mx-base-mailer": [sendmail ? "stop sendmail" : "stop smtpd"],
    "mx-mailer-conf": ["+++ /etc/mailer.conf", "+sendmail\t/usr/local/sbin/sendmail"],
    "mx-rc-conf-local": [
      "+++ /etc/rc.conf.local",
      ...(sendmail ? ['+syslogd_flags="-a /var/spool/postfix/dev/log"'] : ["+smtpd_flags=NO"]),
      noScripts ? '+sendmail_flags="-bd"' : '+pkg_scripts="postfix"',
    ],
    // Only root may read the crontab, so its lines are not printed.
    "mx-root-crontab": [sendmail ? ": sets sm-msp-queue" : "nothing to change"],
    "mx-service": ["check the configuration and start Postfix"],
    "mx-mail-check": [`send a test message to ${wanted.recipient}`],
  };
}

/** Those of the expected texts that do not stand under their component in the CLI's "Diagnostics". */
export function missingIn(
  printed: string,
  expected: Readonly<Record<string, readonly string[]>>,
): string[] {
  // A block begins with `  TYPE (NAME):` and ends with the next one.
  const blocks = new Map<string, string>();
  const parts = printed.split(/^ {2}\S+ \((\S+)\):$/m);
  for (let at = 1; at + 1 < parts.length; at += 2) blocks.set(parts[at] ?? "", parts[at + 1] ?? "");
  return Object.entries(expected).flatMap(([component, texts]) =>
    texts
      .filter((text) => blocks.get(component)?.includes(text) !== true)
      .map((text) => `${text} (${component})`),
  );
}

/** A change made behind Pulumi's back. */
export interface Breakage {
  /** What is done, in words. */
  readonly what: string;
  readonly command: string;
  /** Which resource `pulumi preview --refresh --diff` shows it under, and with which line about the file. */
  readonly component: string;
  readonly shown: RegExp;
}

const common: readonly Breakage[] = [
  {
    what: "somebody gives the server another name in main.cf",
    command: "/usr/local/sbin/postconf -e myhostname=wrong.example.org",
    component: "mx-main-cf",
    shown: /^-myhostname = wrong\.example\.org$/,
  },
  {
    what: "somebody sends the webmaster's mail to bob",
    command:
      "perl -pi -e 's/^webmaster:.*/webmaster: bob/' /etc/postfix/aliases && /usr/local/sbin/newaliases",
    component: "mx-aliases",
    shown: /^-webmaster: bob$/,
  },
];

/** Three of them: what the third is depends on what the release has. */
export function breakages(release: Release): readonly Breakage[] {
  const third: Breakage = isBefore(release, "5.6")
    ? {
        what: "somebody brings sendmail's line in root's crontab back",
        command: "perl -pi -e 's/^#(?=.*sm-msp-queue)//' /var/cron/tabs/root",
        component: "mx-root-crontab",
        shown: /^replace \/var\/cron\/tabs\/root .*: sets sm-msp-queue$/,
      }
    : {
        what: "the copy of resolv.conf in Postfix's chroot is no longer what /etc has",
        command: "echo nameserver 192.0.2.99 >> /var/spool/postfix/etc/resolv.conf",
        component: "mx-chroot-resolv",
        shown: /^-nameserver 192\.0\.2\.99$/,
      };
  return [...common, third];
}

/** The line of a file's diff that is looked for, with the line that takes its place if there is one. */
export function diffAt(printed: readonly string[], shown: RegExp): string | undefined {
  const at = printed.findIndex((line) => shown.test(line));
  const next = printed[at + 1];
  if (at < 0) return undefined;
  return [printed[at], ...(next?.startsWith("+") === true ? [next] : [])].join("\n");
}
