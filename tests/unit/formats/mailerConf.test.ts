import fc from "fast-check";
import * as mailerConf from "../../../provider/formats/mailerConf";
import { holdsForTexts } from "./laws";

const postfix =
  "sendmail\t/usr/local/sbin/sendmail\nsend-mail\t/usr/local/sbin/sendmail\n" +
  "mailq\t\t/usr/local/sbin/sendmail\nnewaliases\t/usr/local/sbin/sendmail\n";

describe("mailer.conf", () => {
  test("the file of the Postfix package maps all four names, and no others", () => {
    expect(mailerConf.rows(postfix).map((row) => row.name)).toEqual([
      "sendmail",
      "send-mail",
      "mailq",
      "newaliases",
    ]);
    expect(mailerConf.mapping(postfix, "mailq")).toEqual({
      name: "mailq",
      program: "/usr/local/sbin/sendmail",
      args: [],
      line: 3,
    });
    expect(mailerConf.mapping(postfix, "makemap")).toBeUndefined();
    expect(mailerConf.faults(postfix)).toEqual([]);
  });

  test.each([
    ["leading blanks", "  \tmailq /a", { program: "/a", line: 1 }],
    ["arguments", "mailq /a -b  c", { program: "/a", args: ["-b", "c"] }],
    ["a comment after the row", "mailq /a # -b", { program: "/a", args: [] }],
    ["a comment before", '# Execute the "real" one\nmailq /a', { program: "/a", line: 2 }],
    ["an escaped comment sign", "mailq /a \\# b", { program: "/a", args: ["\\#", "b"] }],
    ["a continued row", "mailq \\\n /a \\\n -b\n", { program: "/a", args: ["-b"], line: 1 }],
    ["an escaped backslash at the end", "mailq /a \\\\\nmailq /b", { args: ["\\\\"] }],
    ["a comment does not continue", "# x \\\nmailq /a\n", { program: "/a", line: 2 }],
    ["two rows", "mailq /a\nmailq /b\n", { program: "/a", line: 1 }],
    ["no newline at the end", "\n\nmailq\t/a", { program: "/a", line: 3 }],
    ["a backslash at the very end", "mailq /a\\", { program: "/a", args: [] }],
    ["a broken row after it", "mailq /a\nsendmail\n", { program: "/a" }],
  ])("mailwrapper reads a row with %s", (_, text, expected) => {
    expect(mailerConf.mapping(text, "mailq")).toMatchObject(expected);
  });

  test("a row without a program is named by its last line, and hides the rows after it", () => {
    const text = "mailq /a\nsendmail \\\n\nnewaliases /b\n";
    expect(mailerConf.faults(text)).toEqual([{ name: "sendmail", line: 3 }]);
    expect(mailerConf.mapping(text, "mailq")?.program).toBe("/a");
    expect(mailerConf.mapping(text, "newaliases")).toBeUndefined();
  });

  test("a row put before any text is the one in force", () => {
    holdsForTexts(fc.string({ unit: "binary-ascii" }), fc.nat(3), (text, blank) => {
      const row = `${" ".repeat(blank)}mailq /first\n`;
      expect(mailerConf.mapping(row + text, "mailq")).toMatchObject({ program: "/first", line: 1 });
    });
  });
});
