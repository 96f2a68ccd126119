/** Roles put together: no two of them, and no role and the program, decide on one thing without a word. */
import fc from "fast-check";
import * as pulumi from "@pulumi/pulumi";
import { violations } from "../../provider/arguments/schema";
import { Roles } from "../../components/roles/compose";
import type { Contribution } from "../../components/roles/contribution";
import { mailRelay, mailRelayArguments } from "../../components/roles/mailRelay";
import { withoutOutputs } from "../../components/roles/roleArguments";
import { smarthost, smarthostArguments } from "../../components/roles/smarthost";
import { submission, submissionArguments } from "../../components/roles/submission";
import { virtualAccounts, virtualAccountsArguments } from "../../components/roles/virtualAccounts";

/** A value with all its outputs known; what is secret is said of the whole. */
function known<T>(value: unknown): Promise<T> {
  return new Promise((resolve) => pulumi.output(value as string).apply((all) => resolve(all as T)));
}

const together = (...contributions: readonly Contribution[]): Roles =>
  new Roles("PostfixServer mx", contributions);

const noReplacement = (name: string): never => {
  throw new Error(`${name} was replaced`);
};

const RELAY = {
  "example.com": { nextHop: "[10.1.0.2]", recipients: ["alice", "bob@example.com"] },
};

describe("a relay", () => {
  test("is four tables and the parameters that read them", async () => {
    const roles = together(
      mailRelay({
        domains: { ...RELAY, "example.net": { nextHop: "mx.example.net:26", recipients: "any" } },
        networks: ["10.1.0.0/24"],
        messageSizeLimit: 20_480_000,
        restrictions: ["reject_rbl_client zen.spamhaus.org"],
      }),
    );
    const tables = await known<Record<string, { path: string; entries: unknown }>>(
      roles.tables({}),
    );
    const entries = Object.values(tables).map(({ path, entries }) => [path, entries]);
    expect(Object.fromEntries(entries)).toEqual({
      "/etc/postfix/relay_domains": { "example.com": "relay", "example.net": "relay" },
      "/etc/postfix/relay_recipients": {
        "alice@example.com": "relay",
        "bob@example.com": "relay",
        "@example.net": "relay",
      },
      "/etc/postfix/relay_local": {
        "root@example.com": "root@localhost",
        "postmaster@example.com": "postmaster@localhost",
        "root@example.net": "root@localhost",
        "postmaster@example.net": "postmaster@localhost",
      },
      "/etc/postfix/relay_transport": {
        "example.com": "smtp:[10.1.0.2]",
        "example.net": "smtp:mx.example.net:26",
      },
    });
    expect(await known(roles.parameters({}, noReplacement))).toEqual({
      relay_domains: "hash:/etc/postfix/relay_domains",
      relay_recipient_maps: "hash:/etc/postfix/relay_recipients",
      message_size_limit: "20480000",
      mynetworks: "127.0.0.0/8, [::1]/128, 10.1.0.0/24",
      smtpd_recipient_restrictions:
        "permit_mynetworks, reject_unauth_destination, reject_rbl_client zen.spamhaus.org",
      transport_maps: "hash:/etc/postfix/relay_transport",
      virtual_alias_maps: "hash:/etc/postfix/relay_local",
    });
  });

  test("leaves to the next host the postmaster that it has", async () => {
    const recipients = ["Postmaster", "root@EXAMPLE.com"];
    const roles = together(
      mailRelay({ domains: { "example.com": { nextHop: "[10.1.0.2]", recipients } } }),
    );
    const { "relay-local": local } = roles.tables({});
    expect(await known(local?.entries)).toEqual({});
  });

  test("takes recipients that are known later only", async () => {
    const recipients = [pulumi.output("alice"), "bob"];
    const roles = together(
      mailRelay({ domains: { "example.com": { nextHop: "[10.1.0.2]", recipients } } }),
    );
    const { "relay-recipients": table } = roles.tables({});
    expect(await known(table?.entries)).toEqual({
      "alice@example.com": "relay",
      "bob@example.com": "relay",
    });
  });

  test.each<[string, unknown, string]>([
    [
      "a recipient of another domain",
      { domains: { "example.com": { nextHop: "[10.1.0.2]", recipients: ["a@example.org"] } } },
      'domains["example.com"].recipients[0] must be a local part, or an address in example.com.',
    ],
    [
      "no word on recipients",
      { domains: { "example.com": { nextHop: "[10.1.0.2]" } } },
      'domains["example.com"].recipients must be given.',
    ],
    [
      "a domain twice",
      {
        domains: {
          "example.com": { nextHop: "[10.1.0.2]", recipients: "any" },
          "Example.COM": { nextHop: "[10.1.0.3]", recipients: "any" },
        },
      },
      'domains["Example.COM"] is the same key as "example.com": the case of letters does not matter in a domain.',
    ],
    [
      "two next hosts in one",
      { domains: { "example.com": { nextHop: "[10.1.0.2], [10.1.0.3]", recipients: "any" } } },
      'domains["example.com"].nextHop must be a host as in transport(5)',
    ],
    [
      "a slip in a name",
      { domains: {}, network: ["10.1.0.0/24"] },
      "network is no argument of MailRelay: did you mean networks?",
    ],
    [
      "two restrictions in one",
      { domains: {}, restrictions: ["permit, reject"] },
      "restrictions[0] must be one restriction with its argument, without a comma.",
    ],
  ])("refuses %s", (_what, args, reason) => {
    const failures = violations(mailRelayArguments, withoutOutputs(args));
    expect(failures.map(({ path, reason: why }) => `${path} ${why}`).join("\n")).toContain(reason);
  });
});

describe("a smarthost", () => {
  test("has a login that is a secret, in a table by the name that relayhost has", async () => {
    const roles = together(
      smarthost({ host: "smtp.example.net", login: { user: "mx", password: "good-password" } }),
    );
    expect(roles.flavors).toEqual(["sasl2"]);
    const { "smarthost-login": table } = roles.tables({});
    expect(table?.path).toBe("/etc/postfix/sasl_passwd");
    const entries = table?.entries as Record<string, pulumi.Output<string>>;
    expect(Object.keys(entries)).toEqual(["[smtp.example.net]:587"]);
    const [login] = Object.values(entries);
    expect(await pulumi.isSecret(login as pulumi.Output<string>)).toBe(true);
    expect(await known(login)).toBe("mx:good-password");
    expect(await known(roles.parameters({}, noReplacement))).toEqual({
      mynetworks: "127.0.0.0/8, [::1]/128",
      relayhost: "[smtp.example.net]:587",
      smtp_tls_security_level: "secure",
      smtp_tls_CAfile: "/etc/ssl/cert.pem",
      smtp_sasl_auth_enable: "yes",
      smtp_sasl_password_maps: "hash:/etc/postfix/sasl_passwd",
      smtp_sasl_tls_security_options: "noanonymous",
      smtpd_recipient_restrictions: "permit_mynetworks, reject_unauth_destination",
    });
  });

  test("whose name is known later only has it in both places", async () => {
    const roles = together(
      smarthost({
        host: pulumi.output("smtp.example.net"),
        lookUpMx: true,
        login: { user: "mx", password: "good-password" },
      }),
    );
    const { relayhost } = roles.parameters({}, noReplacement) as Record<string, unknown>;
    expect(await known(relayhost)).toBe("smtp.example.net:587");
    const { "smarthost-login": table } = roles.tables({});
    expect(await known(table?.entries)).toEqual({ "smtp.example.net:587": "mx:good-password" });
  });

  test("without a login needs no flavor and no table", () => {
    const roles = together(smarthost({ host: "smtp.example.net", port: 465 }));
    expect(roles.flavors).toEqual([]);
    expect(roles.tables({})).toEqual({});
    expect(roles.parameters({}, noReplacement)).toMatchObject({ smtp_tls_wrappermode: "yes" });
  });

  test.each<[string, unknown, string]>([
    ["a port in the name", { host: "smtp.example.net:587" }, "host must be a host name"],
    ["an address in brackets", { host: "[192.0.2.1]" }, "host must be a host name"],
    ["a level that there is not", { host: "a", tls: { level: "strict" } }, "tls.level must be"],
    [
      "a login without a password",
      { host: "a", login: { user: "mx" } },
      "login.password must be given.",
    ],
    [
      "a user with a colon",
      { host: "a", login: { user: "a:b", password: "c" } },
      "login.user must be",
    ],
  ])("refuses %s", (_what, args, reason) => {
    const failures = violations(smarthostArguments, withoutOutputs(args));
    expect(failures.map(({ path, reason: why }) => `${path} ${why}`).join("\n")).toContain(reason);
  });
});

/** The entries of the tables by their paths. */
async function entriesOf(roles: Roles): Promise<Record<string, unknown>> {
  const tables = await known<Record<string, { path: string; entries: unknown }>>(roles.tables({}));
  return Object.fromEntries(Object.values(tables).map(({ path, entries }) => [path, entries]));
}

describe("virtual accounts", () => {
  test("in tables are domains, mailboxes and aliases, and the folder that they are in", async () => {
    const roles = together(
      virtualAccounts(
        {
          domains: {
            "alpha.example": {
              accounts: ["alfred", "Berta"],
              aliases: { info: ["alfred", "x@example.net"], "*": ["berta"] },
            },
            "beta.example": { aliases: { postmaster: ["alfred@alpha.example"] } },
          },
          store: { path: "/var/mailboxes", uid: 950, gid: 951 },
          mailboxSizeLimit: 0,
        },
        { logins: true },
      ),
    );
    expect(await entriesOf(roles)).toEqual({
      "/etc/postfix/virtual_domains": { "alpha.example": "virtual", "beta.example": "virtual" },
      "/etc/postfix/virtual_accounts": {
        "alfred@alpha.example": "alpha.example/alfred/",
        "Berta@alpha.example": "alpha.example/Berta/",
      },
      "/etc/postfix/virtual_aliases": {
        "info@alpha.example": "alfred@alpha.example, x@example.net",
        "@alpha.example": "berta@alpha.example",
        // Else the catch-all would take their mail.
        "alfred@alpha.example": "alfred@alpha.example",
        "Berta@alpha.example": "Berta@alpha.example",
        "postmaster@alpha.example": "postmaster@localhost",
        "postmaster@beta.example": "alfred@alpha.example",
      },
      "/etc/postfix/virtual_senders": {
        "alfred@alpha.example": "alfred@alpha.example",
        "berta@alpha.example": "Berta@alpha.example",
        "info@alpha.example": "alfred@alpha.example",
      },
    });
    expect(await known(roles.parameters({}, noReplacement))).toEqual({
      mynetworks: "127.0.0.0/8, [::1]/128",
      smtpd_recipient_restrictions: "permit_mynetworks, reject_unauth_destination",
      smtpd_sender_login_maps: "hash:/etc/postfix/virtual_senders",
      virtual_alias_maps: "hash:/etc/postfix/virtual_aliases",
      virtual_gid_maps: "static:951",
      virtual_mailbox_base: "/var/mailboxes",
      virtual_mailbox_domains: "hash:/etc/postfix/virtual_domains",
      virtual_mailbox_limit: "0",
      virtual_mailbox_maps: "hash:/etc/postfix/virtual_accounts",
      virtual_uid_maps: "static:950",
    });
    expect(roles.one("mailStore")).toEqual({ path: "/var/mailboxes", uid: 950, gid: 951 });
  });

  test("in MySQL are queries in files that are secrets, and need the flavor", async () => {
    const roles = together(
      virtualAccounts(
        { mysql: { user: "postfix", password: "good password", database: "mail" } },
        { logins: true },
      ),
    );
    expect(roles.flavors).toEqual(["mysql"]);
    const tables = roles.tables({});
    for (const { text, type } of Object.values(tables)) {
      expect(type).toBe("mysql");
      expect(await pulumi.isSecret(text as pulumi.Output<string>)).toBe(true);
    }
    expect(Object.values(tables).map(({ probe }) => probe)).toEqual([
      "mail.example.org",
      ...["postmaster@mail.example.org", "postmaster@mail.example.org"],
      "postmaster@mail.example.org",
    ]);
    expect(await known(tables["virtual-accounts"]?.text)).toBe(
      "user = postfix\npassword = good password\nhosts = inet:127.0.0.1:3306\ndbname = mail\nquery = SELECT maildir FROM mailbox WHERE username = '%s' AND active = '1'\n",
    );
    expect(await known(roles.parameters({}, noReplacement))).toMatchObject({
      smtpd_sender_login_maps: "mysql:/etc/postfix/mysql_senders.cf",
      virtual_alias_maps: "proxy:mysql:/etc/postfix/mysql_aliases.cf",
      virtual_mailbox_domains: "proxy:mysql:/etc/postfix/mysql_domains.cf",
      virtual_mailbox_maps: "proxy:mysql:/etc/postfix/mysql_accounts.cf",
    });
  });

  test("are read by queries of the program's own, and have aliases only where it asks for some", async () => {
    const queries = {
      domains: "SELECT 1 FROM d WHERE n='%s' AND n NOT LIKE '%%d'",
      accounts: "SELECT p FROM a WHERE n='%s'",
    };
    const login = { user: "u", password: "p", database: "d" };
    const roles = together(virtualAccounts({ mysql: { ...login, queries } }, { logins: true }));
    expect(Object.keys(roles.tables({}))).toEqual(["virtual-domains", "virtual-accounts"]);
    const parameters = await known<object>(roles.parameters({}, noReplacement));
    expect(Object.keys(parameters)).not.toContain("virtual_alias_maps");
    expect(Object.keys(parameters)).not.toContain("smtpd_sender_login_maps");
  });

  test.each<[string, unknown, string]>([
    ["neither tables nor a database", {}, "give the accounts either by domains or by mysql"],
    [
      "both",
      { domains: {}, mysql: { user: "u", password: "p", database: "d" } },
      "give the accounts either by domains or by mysql",
    ],
    [
      "an account with a domain",
      { domains: { "alpha.example": { accounts: ["alfred@alpha.example"] } } },
      'domains["alpha.example"].accounts[0] must be a local part',
    ],
    [
      "a path in an account",
      { domains: { "alpha.example": { accounts: ["../alfred"] } } },
      "accounts[0] must be a local part",
    ],
    [
      "an account twice",
      { domains: { "alpha.example": { accounts: ["alfred", "Alfred"] } } },
      "accounts has Alfred twice",
    ],
    [
      "an alias without a target",
      { domains: { "alpha.example": { aliases: { info: [] } } } },
      "aliases.info must have a target",
    ],
    [
      "a query without an address",
      {
        mysql: {
          user: "u",
          password: "p",
          database: "d",
          queries: { domains: "SELECT 1", accounts: "SELECT '%s'" },
        },
      },
      "mysql.queries.domains must be a query in one line",
    ],
    [
      "a query for a domain that asks for that of an address",
      {
        mysql: {
          ...{ user: "u", password: "p", database: "d" },
          queries: { domains: "SELECT 1 FROM d WHERE n IN ('%d', '%s')", accounts: "SELECT '%s'" },
        },
      },
      "mysql.queries.domains must be a query in one line, with %s for the domain in it, and without %d",
    ],
    [
      "a password of two lines",
      { mysql: { user: "u", password: "p\nquery = x", database: "d" } },
      "mysql.password must be one line",
    ],
    [
      "a folder of the system for mailboxes",
      { domains: {}, store: { path: "/etc/mail" } },
      "store.path is no place for mailboxes",
    ],
  ])("are refused with %s", (_what, args, reason) => {
    const failures = violations(virtualAccountsArguments, withoutOutputs(args));
    expect(failures.map(({ path, reason: why }) => `${path} ${why}`).join("\n")).toContain(reason);
  });
});

describe("submission", () => {
  const certificate = { certificatePath: "/etc/ssl/mx.pem", privateKeyPath: "/etc/ssl/mx.key" };

  test("is two services that let in logins over TLS alone, each with its own addresses", async () => {
    const roles = together(
      submission({ certificate, senders: { "@example.org": ["alice", "bob"] } }),
    );
    const overrides = {
      syslog_name: "postfix/submission",
      smtpd_tls_security_level: "encrypt",
      smtpd_tls_auth_only: "yes",
      smtpd_sasl_auth_enable: "yes",
      smtpd_sasl_type: "dovecot",
      smtpd_client_restrictions: "permit_sasl_authenticated,reject",
      smtpd_helo_restrictions: "",
      smtpd_sender_restrictions: "reject_sender_login_mismatch",
      smtpd_recipient_restrictions: "permit_sasl_authenticated,reject",
    };
    expect(roles.services({})).toEqual({
      "submission/inet": { command: "smtpd", overrides },
      "smtps/inet": {
        command: "smtpd",
        overrides: { ...overrides, syslog_name: "postfix/smtps", smtpd_tls_wrappermode: "yes" },
      },
    });
    expect(await entriesOf(roles)).toEqual({
      "/etc/postfix/submission_senders": { "@example.org": "alice, bob" },
    });
    expect(await known(roles.parameters({}, noReplacement))).toEqual({
      mynetworks: "127.0.0.0/8, [::1]/128",
      smtpd_recipient_restrictions: "permit_mynetworks, reject_unauth_destination",
      smtpd_sasl_path: "private/auth",
      smtpd_sender_login_maps: "hash:/etc/postfix/submission_senders",
      smtpd_tls_cert_file: "/etc/ssl/mx.pem",
      smtpd_tls_key_file: "/etc/ssl/mx.key",
      smtpd_tls_security_level: "may",
    });
    expect(roles.one("certificate")).toEqual(certificate);
    expect(() => roles.one("certificate", certificate)).toThrow(
      "certificate is decided by submission",
    );
  });

  test("ties no address to a login only where the program says so", () => {
    expect(() => submission({ certificate })).toThrow("submission.senders must be given");
    const roles = together(submission({ certificate, senders: "any", ports: [465] }));
    expect(roles.services({})).toMatchObject({
      "smtps/inet": { overrides: { smtpd_sender_restrictions: "" } },
    });
    expect(roles.tables({})).toEqual({});
  });

  test("knows the logins of virtual accounts, before those that are named", async () => {
    const roles = together(
      submission(
        { certificate, senders: { "news@alpha.example": ["alfred@alpha.example"] } },
        { accounts: true },
      ),
      virtualAccounts({ domains: { "alpha.example": { accounts: ["alfred"] } } }, { logins: true }),
    );
    const parameters = await known<Record<string, string>>(roles.parameters({}, noReplacement));
    expect(parameters["smtpd_sender_login_maps"]).toBe(
      "hash:/etc/postfix/virtual_senders, hash:/etc/postfix/submission_senders",
    );
  });

  test.each<[string, unknown, string]>([
    ["without a certificate", { senders: "any" }, "certificate must be given."],
    [
      "with another port",
      { certificate, senders: "any", ports: [25] },
      "ports[0] must be 587 or 465.",
    ],
    [
      "with a name for an address",
      { certificate, senders: { alice: ["alice"] } },
      'senders["alice"] must be an address',
    ],
    [
      "with two logins in one",
      { certificate, senders: { "@a.example": ["a, b"] } },
      "must be a login",
    ],
  ])("is refused %s", (_what, args, reason) => {
    const failures = violations(submissionArguments, withoutOutputs(args));
    expect(failures.map(({ path, reason: why }) => `${path} ${why}`).join("\n")).toContain(reason);
  });
});

describe("what the program says besides", () => {
  const roles = together(
    mailRelay({ domains: RELAY }),
    smarthost({ host: "smtp.example.net", login: { user: "mx", password: "p" } }),
  );

  test.each<[string, string, string]>([
    ["relay_domains", "x", "relay: say it in the arguments of the role"],
    ["relayhost", "x", "smarthost: say it in the arguments of the role"],
    ["mynetworks", "x", "relay: add to it by relay.networks"],
    ["smtpd_recipient_restrictions", "x", "relay: add to it by relay.restrictions"],
  ])("of %s, which a role decides, is refused by name", (name, value, why) => {
    expect(() => roles.parameters({ [name]: value }, noReplacement)).toThrow(
      `PostfixServer mx: mainCf.parameters.${name} is decided by ${why}`,
    );
    expect(() => roles.parameters({ [name]: null }, noReplacement)).toThrow(name);
  });

  test("of a list that Postfix searches stands before what the roles have", async () => {
    const own = { transport_maps: "hash:/etc/postfix/transport" };
    const parameters = roles.parameters(own, noReplacement) as Record<string, unknown>;
    expect(await known(parameters["transport_maps"])).toBe(
      "hash:/etc/postfix/transport, hash:/etc/postfix/relay_transport",
    );
    expect(() => roles.parameters({ transport_maps: null }, noReplacement)).toThrow(
      "mainCf.parameters.transport_maps is decided by relay: it cannot be removed",
    );
  });

  test("of a parameter that a role only has a value for counts, and is told", () => {
    const replaced: string[] = [];
    const own = { smtp_sasl_tls_security_options: "noplaintext", myhostname: "mx.example.org" };
    const parameters = roles.parameters(own, (name, role) => replaced.push(`${name} ${role}`));
    expect(parameters).toMatchObject(own);
    expect(replaced).toEqual(["smtp_sasl_tls_security_options smarthost"]);
  });

  test("as a table by the name or the path of a role's is refused", () => {
    expect(() => roles.tables({ "relay-domains": { path: "/etc/postfix/mine" } })).toThrow(
      "PostfixServer mx: tables.relay-domains is decided by relay: give the table another name.",
    );
    expect(() => roles.tables({ mine: { path: "/etc/postfix/sasl_passwd" } })).toThrow(
      "PostfixServer mx: tables.mine is decided by smarthost: give the table another path.",
    );
  });
});

describe("a service of a role", () => {
  const roles = together({
    role: "submission",
    services: {
      "submission/inet": { command: "smtpd", overrides: { smtpd_sasl_auth_enable: "yes" } },
    },
  });

  test("takes the columns and further overrides that the program says", () => {
    const own = { maxproc: "10", overrides: { smtpd_helo_required: "yes" } };
    expect(roles.services({ "submission/inet": own, "smtp/unix": { maxproc: "5" } })).toEqual({
      "submission/inet": {
        command: "smtpd",
        maxproc: "10",
        overrides: { smtpd_sasl_auth_enable: "yes", smtpd_helo_required: "yes" },
      },
      "smtp/unix": { maxproc: "5" },
    });
  });

  test.each<[string, unknown, string]>([
    ["removed", null, 'masterCf.services["submission/inet"] is decided'],
    [
      "given another program",
      { command: "pipe" },
      'services["submission/inet"].command is decided',
    ],
    [
      "opened",
      { overrides: { smtpd_sasl_auth_enable: "no" } },
      'services["submission/inet"].overrides.smtpd_sasl_auth_enable is decided',
    ],
  ])("is not %s by the program", (_how, own, why) => {
    expect(() => roles.services({ "submission/inet": own })).toThrow(why);
  });
});

test("no restriction stands before reject_unauth_destination but the trust in the host's networks, whatever the roles", async () => {
  const restriction = fc.constantFrom("permit", "reject_rbl_client a.example", "sleep 1");
  await fc.assert(
    fc.asyncProperty(fc.array(restriction), fc.array(restriction), async (one, other) => {
      const roles = together(
        { role: "virtualAccounts", lists: { smtpd_recipient_restrictions: other } },
        mailRelay({ domains: RELAY, restrictions: one }),
      );
      const { smtpd_recipient_restrictions: list } = roles.parameters({}, noReplacement) as Record<
        string,
        unknown
      >;
      const all = ["permit_mynetworks", "reject_unauth_destination", ...one, ...other];
      expect(await known(list)).toBe(all.join(", "));
    }),
    { numRuns: 50 },
  );
});
