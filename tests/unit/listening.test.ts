/** Where the running Postfix is looked for: every way of listening that is not the usual one. */
import { greetingAt, isGreeting } from "../../provider/postfix/listening";

const SMTP = "smtp      inet  n  -  y  -  -  smtpd\n";
const REST = "pickup    unix  n  -  y  60 1  pickup\nsmtp unix - - y - - smtp\n";

function at(
  inetInterfaces: string,
  inetProtocols = "all",
  masterCf = SMTP + REST,
): string | undefined {
  const address = greetingAt({ inetInterfaces, inetProtocols, masterCf });
  return address && `${address.host} ${address.port}`;
}

test.each([
  ["all", "all", "127.0.0.1 25"],
  ["all", "ipv4", "127.0.0.1 25"],
  ["all", "ipv6", "::1 25"],
  ["loopback-only", "ipv6", "::1 25"],
  ["$myhostname, localhost", "all", "127.0.0.1 25"],
  ["192.0.2.1", "all", "192.0.2.1 25"],
  ["192.0.2.1 127.0.0.1", "all", "127.0.0.1 25"],
  ["192.0.2.1, [2001:db8::1]", "ipv6", "2001:db8::1 25"],
  ["2001:db8::1", "all", "2001:db8::1 25"],
  ["192.0.2.1", "ipv6", undefined],
  ["mx1.example.org", "all", undefined],
  ["", "all", undefined],
])("inet_interfaces = %s, inet_protocols = %s: %s", (interfaces, protocols, address) => {
  expect(at(interfaces, protocols)).toBe(address);
});

test.each([
  [
    "postscreen in front",
    "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n",
    "127.0.0.1 25",
  ],
  ["an address of its own", "192.0.2.7:smtp inet n - y - - smtpd\n", "192.0.2.7 25"],
  ["an IPv6 address", "[::1]:25 inet n - y - - smtpd\n", "::1 25"],
  ["any address", "0.0.0.0:25 inet n - y - - smtpd\n", "127.0.0.1 25"],
  ["submission alone", "submission inet n - y - - smtpd\n", "127.0.0.1 587"],
  ["a port by number", "10025 inet n - y - - smtpd -o syslog_name=x\n", "127.0.0.1 10025"],
  ["port 25 before others", `submission inet n - y - - smtpd\n${SMTP}`, "127.0.0.1 25"],
  [
    "TLS from the first byte",
    "465 inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes\n",
    undefined,
  ],
  ["a service of an unknown name", "odd inet n - y - - smtpd\n", undefined],
  ["none", REST, undefined],
  ["a commented-out one", `#${SMTP}`, undefined],
  ["another daemon", "smtp inet n n n - - spawn user=nobody argv=/bin/cat\n", undefined],
])("master.cf with %s", (_what, masterCf, address) => {
  expect(at("all", "all", masterCf)).toBe(address);
});

test.each([
  ["220 mx ESMTP Postfix", true],
  ["220-mx please wait", true],
  ["2200 mx", false],
  ["421 4.3.2 try again", false],
  ["", false],
])("%j is a greeting: %s", (line, is) => {
  expect(isGreeting(line)).toBe(is);
});
