import { violations } from "../../provider/arguments/schema";
import { aliasesArguments } from "../../provider/arguments/aliases";
import { lookupTableArguments } from "../../provider/arguments/lookupTable";

const faults = (path: string): string[] =>
  [
    ...violations(lookupTableArguments, { path, entries: {} }),
    ...violations(aliasesArguments, { file: path, entries: {} }),
  ].map(({ path: argument, reason }) => `${argument}: ${reason}`);

test.each([
  "/etc/postfix/transport",
  "/etc/postfix/maps/virtual.cf",
  "/etc/mail/aliases",
  "/etc/aliases",
  "/usr/local/etc/postfix/relay",
  "/home/mail/tables/x",
  "/var/spool/postfix/etc/x",
  "/etc/postfix/.hidden",
  "/etc/postfix/..x",
])("%s may be the text of a table", (path) => {
  expect(faults(path)).toEqual([]);
});

test.each([
  ["/etc//postfix/x", "/etc/postfix/x"],
  ["/etc/./postfix/x", "/etc/postfix/x"],
  ["/etc/postfix/../x", "/etc/x"],
  ["//etc/x", "/etc/x"],
  ["/etc/x/.", "/etc/x"],
  ["/etc/x/..", "/etc"],
  ["/../etc/x", "/etc/x"],
])("%s has another spelling, by which its owner is known", (path, plain) => {
  const reason = `must be written as ${plain}: a path has one spelling, by which its owner is known.`;
  expect(faults(path)).toEqual([`path: ${reason}`, `file: ${reason}`]);
});

test.each([
  ...["/etc/master.passwd", "/etc/spwd.db", "/etc/passwd", "/etc/group", "/etc/doas.conf"],
  ...["/etc/rc.conf.local", "/etc/rc.d/postfix", "/etc/mailer.conf", "/etc/mailer.conf.postfix"],
  ...[
    "/etc/ssh/sshd_config",
    "/etc/hostname.em0",
    "/root/.ssh/authorized_keys",
    "/etc/resolv.conf",
  ],
  ...["/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/dynamicmaps.cf"],
  ...["/var/db/pulumi-openbsd-postfix/record.json", "/var/cron/tabs/root", "/var/mail/alice"],
  ...["/dev/sd0c", "/bsd", "/bsd.rd", "/bin/ls", "/usr/bin/x", "/usr/local/sbin/postmap", "/tmp/x"],
  ...["/var/spool/postfix/active/x", "/var/spool/smtpd/x", "/home/alice/.ssh/config"],
])("%s is no table", (path) => {
  const found = faults(path);
  expect(found).toHaveLength(2);
  for (const fault of found) expect(fault).toContain(`${path} belongs to the system.`);
});

test.each(["/etc/spwd", "/etc/pwd", "/etc/login_conf"])(
  "%s is no table, because its database would be a file of the system",
  (path) => {
    for (const fault of faults(path)) expect(fault).toContain(`${path}.db belongs to the system.`);
    expect(faults(path)).toHaveLength(2);
  },
);

test.each(["etc/x", "", "/etc/x/", "/etc/a b", "/etc/a:b", "/etc/a,b", "/"])(
  "%j is no absolute path that Postfix can name",
  (path) => {
    expect(faults(path)).toHaveLength(2);
  },
);
