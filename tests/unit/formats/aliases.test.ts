import fc from "fast-check";
import * as aliases from "../../../provider/formats/aliases";
import { FormatError } from "../../../provider/formats/bytes";
import { describeLaws, holds } from "./laws";
import { foreignLine, names, recipients, texts, values } from "./aliasesTexts";

/** As the port installs it, shortened. */
const installed = `#
# Sample aliases file. Install in the location as specified by the
# output from the command "postconf alias_maps".
#
# Person who should get root's mail. Don't receive mail as root!
#root:\t\tyou

# Basic system aliases -- these MUST be present
MAILER-DAEMON:\tpostmaster
postmaster:\troot

# General redirections for pseudo accounts
bin:\t\troot
daemon:\t\troot
`;

describe("aliases", () => {
  describeLaws({
    format: aliases,
    texts,
    keys: names,
    values,
    separator: "daemon: root\n",
    foreignLine,
  });

  test("a recipient's spelling, once normalized, is its own", () => {
    holds(recipients, (recipient) => {
      expect(aliases.normalizeTarget(recipient)).toBe(recipient);
    });
  });

  test.each([
    ["root: alice", ["alice"]],
    ["ROOT:alice , bob,\tcarol\r\n", ["alice", "bob", "carol"]],
    ["root: alice bob\n", ["alice", "bob"]],
    ["root:\n\talice,\n# comment\n\n\tbob\n", ["alice", "bob"]],
    ["root: alice # dave\n", ["alice", "#", "dave"]],
    ["root: alice\nroot: bob\n", ["alice"]],
    ['"root": alice\n', ["alice"]],
    ['root: "|/usr/bin/prog a, b"\n', ["|/usr/bin/prog a, b"]],
    ["root: |/usr/bin/prog a\n", ["|/usr/bin/prog", "a"]],
    [
      'root: /var/mail/x, "/a b", :include:/etc/list\n',
      ["/var/mail/x", "/a b", ":include:/etc/list"],
    ],
    [
      'root: "john smith"@example.org, "john.doe"@example.org\n',
      ['"john smith"@example.org', "john.doe@example.org"],
    ],
    ["root: Alice <alice@example.org>, (the boss) bob\n", ["alice@example.org", "bob"]],
    ["root: x@[10.0.0.1]\n", ["x@[10.0.0.1]"]],
    ["root: \\root\n", ["root"]],
    ["root: a\0b\n c\n", ["a"]],
    ["root@example.org: alice\n", undefined],
    ["root: \n", undefined],
    ["root alice\n", undefined],
    ["#root: you\n", undefined],
    [" root: alice\n", undefined],
  ])("Postfix reads root from %j as %j", (text, targets) => {
    expect(aliases.get(text, "root")).toEqual(targets);
  });

  test("an entry of plain names is read as Postfix's tokens read it", () => {
    const name = fc.stringMatching(/^[\w+-]{1,6}(\.[\w+-]{1,3})?$/);
    const target = fc
      .tuple(name, fc.option(name, { nil: undefined }))
      .map((parts) => parts.filter((part) => part !== undefined).join("@"));
    const separator = fc.constantFrom(",", ", ", ",\t", ",  ");
    const blank = fc.constantFrom("", " ", "\t\t");
    const targets = fc.array(fc.tuple(target, separator), { minLength: 1, maxLength: 4 });
    holds(fc.tuple(name, blank, targets), ([key, before, all]) => {
      const value = all
        .map(([one, after], nth) => one + (nth < all.length - 1 ? after : ""))
        .join("");
      // A name in quotes is the same name, and its line is read token by token.
      const [plain, quoted] = [`${key}:${before}${value}\n`, `"${key}":${before}${value}\n`];
      expect(aliases.get(plain, key)).toEqual(all.map(([one]) => one));
      expect(aliases.entries(plain)).toEqual(aliases.entries(quoted));
      expect(aliases.compiled(plain)).toEqual(aliases.compiled(quoted));
    });
  });

  test("names are known without regard to case, whatever they are asked for", () => {
    expect(aliases.get(installed, "mailer-daemon")).toEqual(["postmaster"]);
    expect(aliases.get(installed, "Mailer-Daemon")).toEqual(["postmaster"]);
    expect([...aliases.entries(installed).keys()]).toEqual([
      "mailer-daemon",
      "postmaster",
      "bin",
      "daemon",
    ]);
    expect(aliases.get('"a b": x\n', "A b")).toEqual(["x"]);
  });

  test("the database holds keys without quotes and values with the blanks that postalias writes", () => {
    const text = 'Root:alice,bob\n"a b": "|prog x",/f\nroot: carol\nx: (c) "d e" <f@g.h>\n';
    expect([...aliases.compiled(text)]).toEqual([
      ["root", "alice, bob"],
      ["a b", '"|prog x", /f'],
      ["x", '(c) "d e" <f@g.h>'],
    ]);
  });

  test("an entry is replaced where it stands, with the blanks it had; a new one goes to the end", () => {
    expect(aliases.set(installed, "bin", ["alice", "|prog x"])).toBe(
      installed.replace("bin:\t\troot", 'bin:\t\talice, "|prog x"'),
    );
    expect(aliases.set(installed, "root", ["alice"])).toBe(`${installed}root: alice\n`);
    expect(aliases.set("root:\n a,\n b\n", "root", ["c"])).toBe("root: c\n");
    expect(aliases.set("", "a:b c", ["d"])).toBe('"a:b c": d\n');
  });

  test("equal recipients keep their spelling, another order is a change", () => {
    const text = 'root :alice,\n  "bob"   \n';
    expect(aliases.set(text, "root", ["alice", "bob"])).toBe(text);
    expect(aliases.set(text, "root", ['"alice"', "bob"])).toBe(text);
    expect(aliases.set(text, "root", ["bob", "alice"])).toBe("root: bob, alice\n");
  });

  test("of several entries the first stays", () => {
    const text = "root: a\nx: b\nRoot: c\n";
    expect(aliases.set(text, "root", ["a"])).toBe("root: a\nx: b\n");
  });

  test.each([
    ["a", []],
    ["a", [""]],
    ["a", ["b, c"]],
    ["a", ["b c"]],
    ["a", ["b\nroot: c"]],
    ["a", ["|prog\0"]],
    ["a", ["(only a comment)"]],
    ["a", ["/file\t"]],
    ["", ["b"]],
    ["a\nb", ["c"]],
    ["a\0", ["c"]],
    ["a\tb", ["c"]],
    ["€", ["c"]],
  ])("name %j with recipients %j is refused", (name, targets) => {
    expect(() => aliases.set("", name, targets)).toThrow(FormatError);
  });

  test("a file of 20,000 entries is edited in less than two seconds", () => {
    const text = Array.from({ length: 20_000 }, (_, nth) => `user${nth}: box${nth}\n`).join("");
    const began = process.cpuUsage();
    const saved = aliases.save(text, "user777");
    const edited = aliases.set(text, "user777", ["x"]);
    expect(aliases.undo(edited, "user777", saved)).toBe(text);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(2000);
  });
});
