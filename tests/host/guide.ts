/**
 * The steps of the guide in the order of a server, as every test of them needs them: what a program says, how an admin
 * breaks what is managed, and what an admin may have beside it. A newcomer to the list is held to every law at once.
 */
import type { Release, TestHost } from "../../testing";
import { CertificateMaker, type Issued } from "../certificates";
import { ENTRIES, isBefore, packageOf, PARAMETERS } from "../preview/server";

/** A step of the guide on one release. */
export interface GuideStep {
  readonly kind: string;
  readonly args: Record<string, unknown>;
  /** How an admin breaks it; `undefined` where it leaves nothing on the host that could be broken. */
  readonly drift?: string;
  /** An edit beside what is managed, which must survive everything. */
  readonly beside?: Beside;
}

export interface Beside {
  readonly script: string;
  /** Prints 1 while the edit is there. */
  readonly find: string;
  readonly undo: string;
  /** It is within what the step has made, and goes with it when that is undone: a folder without mail. */
  readonly goesAlong?: true;
}

const OWN_LINE = "# an admin's own line";

function lineIn(path: string): Beside {
  return {
    script: `echo "${OWN_LINE}" >> ${path}`,
    find: `grep -c "${OWN_LINE}" ${path}`,
    undo: `grep -v "${OWN_LINE}" ${path} > /tmp/without; cat /tmp/without > ${path}; rm /tmp/without`,
  };
}

/** Starts the base mailer behind everybody's back. A daemon is one a moment after its command has ended. */
function startBaseMailer(release: Release): string {
  const [start, title] = isBefore(release, "5.6")
    ? [
        "/usr/libexec/sendmail/sendmail -L sm-mta -C/etc/mail/localhost.cf -bd -q30m",
        "sendmail: accepting connections",
      ]
    : ["/usr/sbin/smtpd", "smtpd: "];
  return `${start}\nuntil ps -axo command | grep -q '^${title}'; do sleep 0.1; done`;
}

let pair: Issued | undefined;

/** A certificate that every release can use; the same one each time, as a program has one. */
function serverPair(): Issued {
  const maker = new CertificateMaker();
  try {
    return (pair ??= maker.issue({ name: "myhost.example.org", keyKind: "rsa" }));
  } finally {
    maker.clean();
  }
}

/** All steps of a server on `release`. */
export function guideSteps(release: Release): readonly GuideStep[] {
  const { certificate, key } = serverPair();
  return [
    {
      kind: "PostfixPackage",
      args: packageOf(release),
      drift: "/usr/local/sbin/postfix stop; pkg_delete $(ls /var/db/pkg | grep '^postfix-')",
    },
    {
      kind: "PostfixDocs",
      args: {},
      drift:
        "cd /var/www/htdocs/manual/postfix && rm index.html && echo x >> postconf.5.html && echo x > extra",
    },
    {
      kind: "MailStore",
      args: {},
      drift: "chown root /var/vmail; chmod 755 /var/vmail; userdel _vmail",
      beside: {
        script: "mkdir -m 700 /var/vmail/example.org; chown _vmail:_vmail /var/vmail/example.org",
        find: "ls /var/vmail | grep -c example.org",
        undo: "rmdir /var/vmail/example.org",
        goesAlong: true,
      },
    },
    {
      kind: "MasterCf",
      args: {
        services: {
          "submission/inet": {
            command: "smtpd",
            overrides: { smtpd_sasl_auth_enable: "no", syslog_name: "postfix/submission" },
          },
        },
      },
      drift:
        "sed -i 's,^  -o smtpd_sasl_auth_enable=no,  -o smtpd_sasl_auth_enable=yes,' /etc/postfix/master.cf",
      beside: lineIn("/etc/postfix/master.cf"),
    },
    {
      kind: "LookupTable",
      args: { path: "/etc/postfix/transport", entries: { "example.com": "smtp:[192.0.2.1]" } },
      drift: "sed -i 's/192.0.2.1/192.0.2.2/' /etc/postfix/transport",
      beside: lineIn("/etc/postfix/transport"),
    },
    {
      kind: "Aliases",
      args: { entries: ENTRIES },
      drift: "sed -i 's/^postmaster:.*/postmaster: nobody/' /etc/postfix/aliases",
      beside: lineIn("/etc/postfix/aliases"),
    },
    {
      kind: "MainCf",
      args: {
        parameters: {
          ...PARAMETERS,
          alias_maps: "hash:/etc/postfix/aliases",
          alias_database: "hash:/etc/postfix/aliases",
        },
      },
      drift: "sed -i '/^mydomain/d' /etc/postfix/main.cf",
      beside: lineIn("/etc/postfix/main.cf"),
    },
    {
      kind: "TlsCertificate",
      args: {
        certificatePath: "/etc/ssl/myhost.pem",
        privateKeyPath: "/etc/ssl/private/myhost.key",
        certificate,
        privateKey: key,
        names: ["myhost.example.org"],
        secretPaths: ["privateKey"],
      },
      drift: "rm /etc/ssl/myhost.pem && chmod 0644 /etc/ssl/private/myhost.key",
    },
    { kind: "ChrootResolv", args: {}, drift: "echo x >> /var/spool/postfix/etc/services" },
    { kind: "MailerConf", args: {}, drift: "cp /etc/mailer.conf.pre-postfix /etc/mailer.conf" },
    { kind: "BaseMailer", args: {}, drift: startBaseMailer(release) },
    {
      kind: "RcConfLocal",
      // A daemon that is on: a flag turns none on.
      args: { flags: { sshd_flags: ["-u0"] } },
      drift: "sed -i 's/-u0//' /etc/rc.conf.local",
      beside: lineIn("/etc/rc.conf.local"),
    },
    { kind: "PostfixService", args: {}, drift: "/usr/local/sbin/postfix stop" },
    {
      kind: "RootCrontab",
      args: { commentOut: ["newsyslog", ...(isBefore(release, "5.6") ? ["sm-msp-queue"] : [])] },
      drift: "sed -i '/newsyslog/s/^#*//' /var/cron/tabs/root",
      beside: lineIn("/var/cron/tabs/root"),
    },
    // It leaves nothing on the host: no drift there, and the repeated test is by its triggers.
    { kind: "MailCheck", args: { recipient: "alice" } },
  ];
}

/** Which mailers run: what `destroy` must leave as it was. */
export async function mailersOf(host: TestHost): Promise<string> {
  const { stdout } = await host.exec([
    "/bin/sh",
    "-c",
    "for p in '^sendmail: accepting' '^(/usr/sbin/smtpd|smtpd: )' 'libexec/postfix/master'; do pgrep -f \"$p\" >/dev/null && echo \"$p\"; done; true",
  ]);
  return stdout;
}

/** What syslogd was started with, and by which process id: the same when it was not restarted. */
export async function syslogdOf(host: TestHost, pid = false): Promise<string> {
  const { stdout } = await host.exec(["/bin/ps", "-axww", "-o", "pid,command"]);
  const line = /^\s*(\d+) ((?:\/usr\/sbin\/)?syslogd(?!:).*)$/m.exec(stdout);
  return `${pid ? (line?.[1] ?? "") : ""} ${line?.[2] ?? ""}`.trim();
}

/**
 * Steps at whose undoing mail has been passed back already: the step of the switch that is undone first puts mailer.conf back
 * and starts the base mailer, so that nobody is left without a mailer.
 */
export const PASSED_BACK: readonly string[] = ["PostfixService", "RcConfLocal", "BaseMailer"];
