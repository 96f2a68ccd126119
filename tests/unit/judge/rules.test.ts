/** The judgement's own rules, without a host. */
import { stagedMainCf, stagedMasterCf } from "../../../provider/judge/stagedConfiguration";
import { toolComplaints } from "../../../provider/judge/toolComplaints";
import { candidateOf } from "../../../provider/judge/candidate";
import { logFileComplaints } from "../../../provider/judge/logFile";
import { relayComplaints } from "../../../provider/judge/relay";
import { KNOWLEDGE, MAIN, MASTER, SMTPD, found, reasons } from "./fake";

const OPEN = /relays mail for everybody/;

describe("an open relay is", () => {
  const NETS = "/etc/postfix/nets";
  const guarded = (table: string): string =>
    `smtpd_relay_restrictions = ${table}, permit_mynetworks, reject_unauth_destination\n`;
  test.each([
    ["every domain relayed", "relay_domains = static:all\n", "relay_domains has static:all"],
    ["every domain relayed, by a pattern", "relay_domains = regexp:{{/./ OK}}\n", "relay_domains"],
    ["every domain an alias domain", "virtual_alias_domains = static:x\n", "static:x"],
    ["a table that says OK", guarded("check_client_access static:OK"), "relays"],
    ["one in braces", guarded("check_client_access {static:OK}"), "relays"],
    ["one of networks", guarded(`check_client_access cidr:${NETS}`), "relays"],
    ["one of IPv6 networks", guarded(`check_client_access cidr:${NETS}6`), "relays"],
    ["one of patterns", guarded("check_helo_access pcre:{{/^/ permit}}"), "relays"],
    ["mynetworks as networks", "mynetworks = cidr:{ {0.0.0.0/0 x} }\n", "mynetworks has"],
    ["mynetworks as patterns", "mynetworks = regexp:{{/./ x}}\n", "mynetworks has"],
    ["mynetworks as a file of networks", `mynetworks = cidr:${NETS}\n`, "mynetworks has"],
  ])("%s", (_what, main, says) => {
    const files = { [NETS]: "10.0.0.0/8 REJECT\n0.0.0.0/0 OK\n", [`${NETS}6`]: "::/0 OK\n" };
    const open = found(main, SMTPD, files).filter(({ rule }) => rule === "openRelay");
    expect(open).toHaveLength(1);
    expect(open[0]?.reason).toMatch(OPEN);
    expect(open[0]?.reason).toContain(says);
  });

  test("a service whose program is named by its path", () => {
    const master = "smtp inet n - y - - /usr/local/libexec/postfix/smtpd\n";
    expect(reasons("mynetworks = 0.0.0.0/0\n", master).join()).toMatch(OPEN);
  });

  test.each([
    "relay_domains = regexp:{{/^example\\.com$/ OK}}\n",
    "relay_domains = regexp:{{!/./ OK}}\n",
    "relay_domains = static:all\nsmtpd_relay_restrictions = permit_mynetworks, reject\n",
    // All mail to one mailbox: nothing is passed on.
    "virtual_alias_maps = static:alice\n",
    guarded("check_client_access static:DUNNO"),
    guarded("check_sasl_access static:OK"),
    guarded("check_sender_access cidr:{{0.0.0.0/0 OK}}"),
    guarded("check_client_access cidr:{{192.0.2.0/24 OK}, {0.0.0.0/0 DUNNO}, {0.0.0.0/0 OK}}"),
    guarded("check_client_access pcre:/etc/postfix/if"),
    "smtpd_relay_restrictions = check_client_access static:REJECT\n",
    "mynetworks = cidr:{{10.0.0.0/8 x}}\n",
  ])("nothing like %j", (main) => {
    const files = { "/etc/postfix/if": "if /example\\.org$/\n/./ OK\nendif\n" };
    expect(found(main, SMTPD, files).filter(({ rule }) => rule === "openRelay")).toEqual([]);
  });

  test("settled by no main.cf where a service says so by itself", () => {
    const service = (value: string): string =>
      `submission inet n - y - - smtpd\n  -o smtpd_relay_restrictions=${value}\n`;
    const finals = (value: string): (boolean | undefined)[] =>
      found("mua = permit\n", service(value))
        .filter(({ rule }) => rule === "openRelay")
        .map(({ final }) => final);
    expect(finals("permit")).toEqual([true]);
    expect(finals("$mua")).toEqual([undefined]);
    expect(finals("permit_mynetworks")).toEqual([undefined]);
  });
});

describe("a service that takes no mail is", () => {
  test.each([
    ["no guard at all", "smtpd_relay_restrictions =\n", true],
    ["a permit before the guard", "smtpd_relay_restrictions = permit, reject\n", true],
    ["a guard that only warns", "smtpd_relay_restrictions = warn_if_reject reject\n", true],
    [
      "a guard in a class",
      "smtpd_restriction_classes = c\nc = reject\nsmtpd_relay_restrictions = c\n",
      false,
    ],
    [
      "a guard in the other list",
      "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = reject\n",
      false,
    ],
    ["a deferral", "smtpd_relay_restrictions = defer_if_permit\n", false],
  ])("told from an open relay: %s", (_what, main, ends) => {
    const said = reasons(main, SMTPD).filter((reason) => /ends|relays mail/.test(reason));
    expect(said.some((reason) => /takes no mail: smtpd\(8\) ends/.test(reason))).toBe(ends);
    expect(said.some((reason) => OPEN.test(reason))).toBe(false);
  });

  test("explained where an old main.cf has no compatibility_level", () => {
    const defaults = new Map(KNOWLEDGE.defaults);
    defaults.set(
      "smtpd_relay_restrictions",
      "${{$compatibility_level} <level {1} ? {} : {reject}}",
    );
    defaults.set("compatibility_level", "0");
    const candidate = candidateOf("smtpd_recipient_restrictions = permit_mynetworks\n", SMTPD, {
      ...KNOWLEDGE,
      defaults,
    });
    const around = { read: () => undefined, isThere: () => true, declared: { userDefined: [] } };
    const said = relayComplaints(candidate, around.read).map(({ reason }) => reason);
    expect(said).toEqual([expect.stringMatching(/smtpd\(8\) ends.*without compatibility_level/)]);
  });
});

describe("nothing is said of", () => {
  const SERVICES = `${SMTPD}lmtp unix - - n - - lmtp\n  flags=O\nrelay unix - - n - - smtp\n  -o x=y flags=DORX\n`;
  test.each([
    ["flags of smtp(8) and lmtp(8)", "x = 1\ny = $x\n", SERVICES],
    ["what is expanded at delivery", "command_execution_directory = $home\n", SMTPD],
    ["tables that proxymap(8) may open", "proxy_read_maps = hash:/no $transport_maps\n", SMTPD],
    ["times in small letters", "maximal_queue_lifetime = 5d\nminimal_backoff_time = 10m\n", SMTPD],
    ["protocols", "inet_protocols = ipv4, IPv6\n", SMTPD],
    [
      "relay_domains that name mydestination",
      "mydestination = a.example\nrelay_domains = $mydestination b.example\n",
      SMTPD,
    ],
  ])("%s", (_what, main, master) => {
    expect(reasons(main, master).filter((one) => !/\bx\b|no parameter/.test(one))).toEqual([]);
  });
});

test.each(["5D", "10M", "1W", "3H", "7S"])("a time such as %s ends a daemon", (value) => {
  expect(reasons(`maximal_queue_lifetime = ${value}\n`, SMTPD).join()).toMatch(
    /maximal_queue_lifetime takes a number with s, m, h, d or w/,
  );
});

test("a domain in two classes is seen where one names the other by reference", () => {
  const main = "mydestination = a.example\nvirtual_mailbox_domains = $mydestination\n";
  expect(reasons(main, SMTPD).join()).toMatch(/a\.example is in mydestination and in virtual_m/);
});

test.each([
  ["an override", "", `${SMTPD}  -o smtpd_client_restrictions=$mua_client_restrictions\n`],
  ["proxy_read_maps", "proxy_read_maps = $virtual_mailbox_limit_maps\n", SMTPD],
])(
  "a name that is set nowhere does no harm in %s: a warning, which does not suggest it itself",
  (_what, main, master) => {
    const [only, ...others] = found(main, master).filter(({ rule }) => rule === "unset");
    expect(others).toEqual([]);
    expect(only).toMatchObject({ rule: "unset", mild: true });
    expect(only?.reason).not.toMatch(/did you mean/);
  },
);

describe("services are read as the editor reads them", () => {
  test.each([
    "-o { smtpd_recipient_restrictions = check_sasl_access { inline:{ a=OK } }, reject }",
    "-o smtpd_milters={inet:localhost:8891, connect_timeout=10s}",
    "-v -o smtpd_milters=inet:localhost:8891",
    "-t inet",
  ])("%s", (option) => {
    expect(reasons("", `${SMTPD}submission inet n - y - - smtpd\n  ${option}\n`)).toEqual([]);
  });

  test("and a complaint of an override names its own line", () => {
    const master = `${SMTPD}submission inet n - y - - smtpd\n  -v\n# why\n  -o smtpd_tls_securty_level=may\n`;
    expect(reasons("", master)).toEqual([
      `${MASTER}, line 6: smtpd_tls_securty_level: did you mean smtpd_tls_security_level?`,
    ]);
    expect(found("", master)[0]?.final).toBe(true);
  });

  test("and of a stray word its line", () => {
    const master = `${SMTPD}submission inet n - y - - smtpd\n  -v\n  -o a = b\n`;
    expect(reasons("", master)).toEqual([
      `${MASTER}, line 5: submission/inet: "a" is no option of smtpd: no blanks may stand around the "=" of -o name=value`,
    ]);
  });
});

describe("names", () => {
  test("of former parameters are known where a default refers to them", () => {
    const main =
      "smtpd_client_connection_limit_exceptions = 192.0.2.1\nfallback_relay = [a.example.org]\n";
    expect(reasons(main)).toEqual([]);
    // forward_path refers to $home, but it is expanded when mail is delivered: that does not make home a parameter.
    expect(reasons("home = /x\n").join()).toMatch(/home is no parameter/);
  });

  test("that a value only asks for are wrong where they are misspelt", () => {
    expect(reasons("smtp_fallback_relay = ${relayhst?{x}:{y}}\n")).toEqual([
      `${MAIN}, line 1: smtp_fallback_relay refers to $relayhst, which is set nowhere: did you mean relayhost?`,
    ]);
    expect(reasons("smtp_fallback_relay = ${my_own?{x}:{y}}\n")).toEqual([]);
  });

  test("of folders that have only a default are read so", () => {
    const main = "transport_maps = hash:$config_directory/transport\n";
    expect(candidateOf(main, SMTPD, KNOWLEDGE).value("transport_maps")).toBe(
      "hash:/etc/postfix/transport",
    );
    expect(candidateOf("", "", { ...KNOWLEDGE, defaults: new Map() }).value("data_directory")).toBe(
      "/var/postfix",
    );
  });
});

describe("what postconf says of a name that is set nowhere", () => {
  const answersNaming = (name: string): Parameters<typeof toolComplaints>[0] => [
    {
      ...{ exitCode: 0, signal: null, stdout: "", truncated: false, timedOut: false },
      stderr: `postconf: warning: /tmp/pulumi-openbsd-postfix-1-a/after/main.cf: undefined parameter: ${name}\n`,
    },
  ];
  const complaints = (main: string, name: string): string[] => {
    const candidate = candidateOf(main, SMTPD, KNOWLEDGE);
    return toolComplaints(answersNaming(name), candidate, found(main)).map(
      ({ line, reason, mild }) => `${mild ? "mild" : "bad"}, ${line}: ${reason}`,
    );
  };

  test("is kept where no rule has a complaint of the same name", () => {
    expect(complaints("relayhost =\nsmtp_fallback_relay = ${my_own?x}\n", "my_own")).toEqual([
      "mild, 2: the host's Postfix says: warning: /etc/postfix/main.cf: undefined parameter: my_own",
    ]);
  });

  test("is left out where one does, and where it is filled in on delivery", () => {
    expect(complaints("relayhost = $my_own\n", "my_own")).toEqual([]);
    expect(complaints("forward_path = $home/x\n", "home")).toEqual([]);
  });
});

describe("words", () => {
  test.each([
    ["postscreen_access_list = permit_mynetwork, cidr:/x\n", "permit_mynetworks"],
    [
      "smtpd_restriction_classes = strict, lax\nlax = permit\n",
      'the class "strict" is set nowhere',
    ],
  ])("%j", (main, says) => {
    expect(reasons(main)).toEqual([expect.stringContaining(says)]);
  });

  test.each(["postscreen_access_list = permit_mynetworks, reject, cidr:/x, /y\n"])("%j", (main) => {
    expect(reasons(main)).toEqual([]);
  });

  test("of an access table are wrong where they are close to known ones, and none", () => {
    const main = [
      "smtpd_restriction_classes = strict",
      "strict = reject",
      "smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/senders",
      "",
    ].join("\n");
    const table = [
      "a.com strct",
      "b.com REJCT no",
      "c.com strict",
      "d.com Ok",
      "e.com 554 go away",
      "f.com reject_unverified_sender, permit",
      "g.com 1",
      "h.com whatever",
      "",
    ].join("\n");
    expect(reasons(main, SMTPD, { "/etc/postfix/senders": table })).toEqual([
      '/etc/postfix/senders, line 1: a.com: there is no action "strct": did you mean strict?',
      '/etc/postfix/senders, line 2: b.com: there is no action "REJCT": did you mean REJECT?',
    ]);
  });
});

describe("levels of TLS", () => {
  test.each(["smtpd", "smtp", "lmtp"])("of %s are read without regard to case", (prefix) => {
    expect(reasons(`${prefix}_tls_security_level = Encrypt\n`)).toEqual([]);
    expect(reasons(`${prefix}_tls_security_level = encrpt\n`).join()).toMatch(
      /did you mean encrypt/,
    );
  });
});

describe("a log file of Postfix's own", () => {
  const defaults = new Map([["maillog_file_prefixes", "/var, /dev/stdout"]]);
  const LOG = "postlog unix-dgram n - n - 1 postlogd\n";
  const about = (main: string, master: string, known = defaults): string[] =>
    logFileComplaints(candidateOf(main, master, { ...KNOWLEDGE, defaults: known })).map(
      ({ reason }) => reason,
    );
  test.each(["/var/log/postfix.log", "/dev/stdout", ""])("may be %j", (file) => {
    expect(about(`maillog_file = ${file}\n`, LOG)).toEqual([]);
  });
  test("begins with one of the prefixes, also with the program's own", () => {
    expect(about("maillog_file = /home/x\n", LOG)).toEqual([
      'maillog_file: "/home/x" begins with none of maillog_file_prefixes, /var, /dev/stdout',
    ]);
    const own = "maillog_file_prefixes = /home\nmaillog_file = /home/x\n";
    expect(about(own, LOG)).toEqual([]);
  });
  test("needs the service that writes it", () => {
    expect(about("maillog_file = /var/log/x\n", SMTPD)).toEqual([
      `maillog_file: master.cf has no service to write it: ${LOG.trim()}`,
    ]);
  });
  test("is not judged for a Postfix without such a parameter", () => {
    expect(about("maillog_file = /home/x\n", SMTPD, new Map())).toEqual([]);
  });
});

test("the main.cf for the tools has folders of its own, each set once, and every other line where it was", () => {
  const main =
    "queue_directory = /a\nbiff = no\nqueue_directory =\n# why\n  /b\ndata_directory = /c\nmyhostname = x";
  expect(stagedMainCf(main)).toBe(
    "#queue_directory = /a\nbiff = no\n#queue_directory =\n# why\n#  /b\n#data_directory = /c\nmyhostname = x\n" +
      "queue_directory = {dir}/queue\ndata_directory = {dir}/data\n" +
      "maillog_file = {dir}/maillog\nmaillog_file_prefixes = {dir}\n",
  );
});

test("the master.cf for the tools has a service that logs, once, and every other line where it was", () => {
  const line = "postlog unix-dgram n - n - 1 postlogd\n";
  expect(stagedMasterCf("x unix - - n - - lmtp")).toBe(`x unix - - n - - lmtp\n${line}`);
  expect(stagedMasterCf("")).toBe(line);
  for (const own of [line, `${line}x unix - - n - - lmtp\n`]) expect(stagedMasterCf(own)).toBe(own);
});
