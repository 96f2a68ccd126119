/** What works in Postfix, and was once taken for wrong. */
import { candidateOf } from "../../../provider/judge/candidate";
import { fileComplaints } from "../../../provider/judge/tables";
import { DEFAULTS, KNOWLEDGE, reasons as reasonsOf, SMTPD } from "./fake";

const TABLE = "/etc/postfix/table";
/** Lets everybody send to anywhere; smtpd(8) wants a refusal all the same. */
const OPEN = "check_client_access,static:OK,reject";
const LOCAL = "local unix - n n - - local\n";

const MORE = ["mailbox_size_limit", "message_size_limit", "recipient_delimiter"];

/** The names of `MORE` as well, the type ldap, and transports by sender. */
const KNOWS = {
  ...KNOWLEDGE,
  defaults: new Map(
    Object.entries({
      ...DEFAULTS,
      ...Object.fromEntries(MORE.map((name) => [name, "0"])),
      sender_dependent_default_transport_maps: "",
    }),
  ),
  tableTypes: new Set([...KNOWLEDGE.tableTypes, "ldap"]),
};

function reasons(main: string, master = SMTPD, files: Readonly<Record<string, string>> = {}) {
  return reasonsOf(main, master, files, KNOWS);
}

test("transports by sender: DUNNO leaves the sender to the default; in other tables of transports it is none", () => {
  const files = { [TABLE]: "a@example.org DUNNO\nb@example.org dunno\nc@example.org smtp:[mx]\n" };
  const of = (name: string): string[] => reasons(`${name} = hash:${TABLE}\n`, SMTPD, files);
  expect(of("sender_dependent_default_transport_maps")).toEqual([]);
  expect(of("transport_maps").join("\n")).toMatch(/no service "DUNNO"[^]*no service "dunno"/);
});

test("the key of a table's entry may hold blanks in quotes", () => {
  const main = `transport_maps = hash:${TABLE}\n`;
  const files = { [TABLE]: '"john doe"@example.org smtp:[mx]\njohn\\ doe@example.org smtp:\n' };
  expect(reasons(main, SMTPD, files)).toEqual([]);
  expect(reasons(main, SMTPD, { [TABLE]: '"john doe"@example.org stmp:[mx]\n' })).toEqual([
    `${TABLE}, line 1: "john doe"@example.org: there is no service "stmp" in master.cf to deliver by: did you mean smtp?`,
  ]);
});

test("a key that begins like the condition of a pattern is no condition in a table of entries", () => {
  const main = `smtpd_sender_restrictions = check_sender_access hash:${TABLE}\n`;
  const files = { [TABLE]: "if.example.org OK\nexample.org REJCT\n" };
  expect(reasons(main, SMTPD, files).join()).toMatch(/line 2: .*did you mean REJECT/);
});

test("# separates a user's name from its extension, but begins no comment behind another value", () => {
  expect(reasons("recipient_delimiter = #\n")).toEqual([]);
  expect(reasons("recipient_delimiter = +#\n")).toEqual([]);
  expect(reasons("relayhost = [mx] # the office\n").join()).toMatch(/no comment/);
});

test("a class that only a service of master.cf has may have its list in main.cf", () => {
  const main = "strict = reject\n";
  const master = `${SMTPD}submission inet n - y - - smtpd\n  -o smtpd_restriction_classes=strict\n  -o smtpd_client_restrictions=strict\n`;
  expect(reasons(main, master)).toEqual([]);
  expect(reasons(main, SMTPD).join()).toMatch(/strict is no parameter/);
});

test("the settings of a table in main.cf begin with its name, whatever the name's letters", () => {
  const of = (name: string): string[] =>
    reasons(`virtual_alias_maps = ldap:${name}\n${name}_server_host = ldap.example.org\n`);
  expect(of("aliases")).toEqual([]);
  expect(of("my-aliases")).toEqual([]);
  expect(of("ldap.aliases2")).toEqual([]);
  expect(of("2nd")).toEqual([]);
});

test("a mailbox may be smaller than a message where no local(8) delivers", () => {
  const main = "mailbox_size_limit = 51200000\nmessage_size_limit = 52428800\n";
  expect(reasons(main, SMTPD)).toEqual([]);
  expect(reasons(main, `${SMTPD}${LOCAL}`).join()).toMatch(/local\(8\) refuses to deliver/);
});

test.each(["localhost", "localhost.localdomain", "ip6-localhost", "127.0.0.1", "[::1]"])(
  "what only the host itself reaches relays for nobody else: %s",
  (address) => {
    const open = `${address}:10025 inet n - n - - smtpd\n  -o smtpd_relay_restrictions=${OPEN}\n`;
    expect(reasons("", `${SMTPD}${open}`)).toEqual([]);
    expect(reasons("", `${SMTPD}mail.${open}`).join()).toMatch(/relays mail for everybody/);
    expect(reasons(`inet_interfaces = ${address}\nsmtpd_relay_restrictions = ${OPEN}\n`)).toEqual(
      [],
    );
  },
);

test("the database of aliases is built with postalias(1), whatever names it as well", () => {
  const main =
    "local_recipient_maps = $alias_maps\nalias_maps = hash:/etc/mail/aliases\nvirtual_alias_maps = hash:/etc/virtual\n";
  const missing = fileComplaints(candidateOf(main, SMTPD, KNOWLEDGE), (path) => !/db$/.test(path));
  expect(missing.map(({ reason }) => /built with (\w+)/.exec(reason)?.[1])).toEqual([
    "postalias",
    "postalias",
    "postmap",
  ]);
});
