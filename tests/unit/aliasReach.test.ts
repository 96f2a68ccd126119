import { neverFound, unreached, userNames } from "../../provider/postfix/aliasReach";

const users = userNames("root:*:0:0::/root:/bin/ksh\nalice:*:1000:1000::/home/alice:/bin/ksh\n");

/** The three names answered, but for what a case says. */
const entriesWith = (entries: Record<string, readonly string[]>) =>
  new Map(
    Object.entries({ root: ["alice"], postmaster: ["root"], webmaster: ["root"], ...entries }),
  );

test.each<[string, Record<string, readonly string[]>]>([
  ["a user, by way of others", {}],
  ["an address elsewhere", { root: ["admin@example.org"] }],
  ["a user at localhost", { root: ["alice@localhost"] }],
  ["a command", { root: ['"|/usr/local/bin/ticket --queue mail"'] }],
  ["a file", { root: ["/var/mail/archive"] }],
  ["a list", { root: [":include:/etc/mail/admins"] }],
  ["itself: the user of that name", { root: ["root"] }],
  ["one of several", { root: ["nosuchuser", "alice"] }],
])("mail that reaches %s reaches somebody", (_, entries) => {
  expect(unreached(entriesWith(entries), users)).toEqual([]);
});

test.each<[string, Record<string, readonly string[]>, string]>([
  ["to a name that is neither alias nor user", { webmaster: ["carol"] }, "nor a user carol"],
  ["to /dev/null", { webmaster: ["/dev/null"] }, "webmaster ends in /dev/null"],
  [
    "round in a circle",
    { webmaster: ["a"], a: ["webmaster"] },
    "webmaster -> a -> webmaster leads",
  ],
  ["to nobody at localhost", { webmaster: ["carol@localhost"] }, "nor a user carol"],
])("mail that goes %s reaches nobody, and the reason says so", (_, entries, reason) => {
  const reasons = unreached(entriesWith(entries), users);
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toContain("mail to webmaster reaches nobody");
  expect(reasons[0]).toContain(reason);
});

test("a name without an entry is answered by the user of that name, or by nobody", () => {
  expect(unreached(new Map(), users)).toEqual([
    "mail to postmaster reaches nobody: there is neither an alias nor a user postmaster.",
    "mail to webmaster reaches nobody: there is neither an alias nor a user webmaster.",
  ]);
});

test("an alias whose name is an address is never found", () => {
  expect(neverFound(["root", "info@example.org", "a b"])).toEqual([
    expect.stringMatching(/^the alias info@example\.org is never found: .*LookupTable/),
  ]);
});
