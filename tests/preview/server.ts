/** A PostfixServer on a test host, as a program for the real CLI. */
import type { Release, TestHost } from "../../testing";

/** The guide's own release and the newest: for what hardly differs in between. */
export const RELEASES: readonly Release[] = ["7.8", "4.7"];

/** A release of each way OpenBSD has started mail servers (docs/openbsd.md 0): sourced, rc.d, parsed, rcctl. */
export const FAMILIES: readonly Release[] = ["4.7", "5.0", "5.6", "5.7", "7.8"];

/** Is a release older than another? */
export function isBefore(release: Release, other: string): boolean {
  return Number(release) < Number(other);
}

/** What a program says to reach a test host; credentials by a key file unless said otherwise. */
export function connectionTo(host: TestHost): Record<string, unknown> {
  return {
    host: host.host,
    port: host.port,
    user: host.user,
    privateKeyPath: host.privateKeyPath,
    hostKey: host.hostKey,
  };
}

/** Before 6.1 the host itself does not say where packages are. */
export function packageOf(release: Release): Record<string, unknown> {
  if (!isBefore(release, "6.1")) return {};
  const architecture = isBefore(release, "5.0") ? "i386" : "amd64";
  return { packagePath: `/mirror/pub/OpenBSD/${release}/packages/${architecture}/` };
}

export const PARAMETERS = {
  myhostname: "myhost.example.org",
  mydomain: "example.org",
  myorigin: "$mydomain",
  smtpd_banner: "$myhostname ESMTP $mail_name",
  parent_domain_matches_subdomains: "",
};

export const ENTRIES = { root: ["alice"], postmaster: ["root"], webmaster: ["root"] };

/** The arguments of the guide's server on this host. */
export function serverArgs(host: TestHost): Record<string, unknown> {
  return {
    connection: connectionTo(host),
    package: packageOf(host.release),
    mainCf: { parameters: PARAMETERS },
    aliases: { entries: ENTRIES },
    mailCheck: { recipient: "alice" },
  };
}

/** A program that makes servers, by name. */
export function program(servers: Readonly<Record<string, unknown>>): string {
  return `
const { PostfixServer } = require("pulumi-openbsd-postfix");
const servers = ${JSON.stringify(servers)};
module.exports = Object.fromEntries(
  Object.entries(servers).map(([name, args]) => {
    const server = new PostfixServer(name, args);
    const { transcript, queueId, mailbox, deliveredTo } = server.mailCheck ?? {};
    return [name, { banner: server.banner, transcript, queueId, mailbox, deliveredTo }];
  }),
);`;
}

/** The first line that answers on port 25 of the host. */
export async function bannerOf(host: TestHost): Promise<string> {
  const { stdout } = await host.exec([
    "perl",
    "-MIO::Socket::INET",
    "-e",
    'my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:25", Timeout => 5) or exit 1; print scalar <$s>; print $s "QUIT\\r\\n"; <$s>',
  ]);
  return stdout.trim();
}

/** Runs a shell script on the host; anything but success is an error of the test. */
export async function sh(host: TestHost, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await host.exec(["/bin/sh", "-c", script]);
  if (exitCode !== 0) throw new Error(`${script}: exit status ${exitCode}\n${stdout}${stderr}`);
  return stdout;
}

/** Installs the package by hand, as an admin does. */
export async function installPostfix(host: TestHost): Promise<void> {
  const { packagePath } = packageOf(host.release) as { readonly packagePath?: string };
  await sh(
    host,
    packagePath === undefined
      ? "pkg_add -I postfix--%stable"
      : `PKG_PATH=${packagePath} pkg_add postfix-2.6.5`,
  );
}
