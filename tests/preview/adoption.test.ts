/** A host that was configured by hand, as the guide does it, is taken over without a write. */
import { diffTrees, startHost } from "../../testing";
import { ENTRIES, PARAMETERS, program, RELEASES, serverArgs, sh } from "./server";
import { Project } from "./stack";

/** The guide's steps by hand, with its mistakes corrected (docs/openbsd.md 13). */
const BY_HAND: Record<string, string> = {
  "4.7": `
PKG_PATH=/mirror/pub/OpenBSD/4.7/packages/i386/ pkg_add postfix-2.6.5
/usr/local/sbin/postfix-enable
printf '%s\\n' 'syslogd_flags="-a /var/spool/postfix/dev/log"' 'sendmail_flags="-bd"' >> /etc/rc.conf.local
kill $(cat /var/run/syslog.pid); sleep 1; rm -f /dev/log; syslogd -a /var/empty/dev/log -a /var/spool/postfix/dev/log
crontab -l | sed '/sm-msp-queue/s/^/#/' | crontab -
pkill -f '^sendmail: accepting'; sleep 1`,
  "7.8": `
pkg_add -I postfix--%stable
rcctl stop smtpd
rcctl disable smtpd
/usr/local/sbin/postfix-enable
rcctl enable postfix`,
};

const COMMON = `
${Object.entries({
  ...PARAMETERS,
  alias_maps: "hash:/etc/postfix/aliases",
  alias_database: "hash:/etc/postfix/aliases",
})
  .map(([name, value]) => `/usr/local/sbin/postconf -e '${name} = ${value}'`)
  .join("\n")}
${Object.entries(ENTRIES)
  .map(
    ([name, [target]]) =>
      `sed -i '/^#* *${name}:/d' /etc/postfix/aliases; echo '${name}: ${target ?? ""}' >> /etc/postfix/aliases`,
  )
  .join("\n")}
sleep 2
/usr/local/sbin/newaliases
/usr/local/sbin/postfix start`;

test.each(RELEASES)(
  "on OpenBSD %s, up writes nothing, and destroy leaves the server as it was",
  async (release) => {
    const host = await startHost({ release });
    await sh(host, `${BY_HAND[release] ?? ""}${COMMON}`);
    const { mailCheck: _check, ...args } = serverArgs(host);
    const project = await Project.create({ program: program({ mx: args }) });
    const before = await host.snapshot();
    const master = await sh(host, "cat /var/spool/postfix/pid/master.pid");
    await project.up();
    // The greeting is heard, though Postfix was not started by us.
    expect(await project.outputs()).toMatchObject({
      mx: { value: { banner: "220 myhost.example.org ESMTP Postfix" } },
    });
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await project.expectNoChanges();
    await project.destroy({ refresh: true });
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    expect(await sh(host, "cat /var/spool/postfix/pid/master.pid")).toBe(master);
    project.remove();
    await host.stop();
  },
);
