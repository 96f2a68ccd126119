/** Roles put together: no two of them, and no role and the program, decide on one thing without a word. */
import fc from "fast-check";
import * as pulumi from "@pulumi/pulumi";
import { violations } from "../../provider/arguments/schema";
import { Roles } from "../../components/roles/compose";
import type { Contribution } from "../../components/roles/contribution";
import { mailRelay, mailRelayArguments } from "../../components/roles/mailRelay";
import { withoutOutputs } from "../../components/roles/roleArguments";
import { smarthost, smarthostArguments } from "../../components/roles/smarthost";

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
      relayhost: "[smtp.example.net]:587",
      smtp_tls_security_level: "secure",
      smtp_tls_CAfile: "/etc/ssl/cert.pem",
      smtp_sasl_auth_enable: "yes",
      smtp_sasl_password_maps: "hash:/etc/postfix/sasl_passwd",
      smtp_sasl_tls_security_options: "noanonymous",
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
