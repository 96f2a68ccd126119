import fc from "fast-check";
import * as mailerConf from "../../../provider/formats/mailerConf";
import { holdsForTexts } from "./laws";

const postfix =
  "sendmail\t/usr/local/sbin/sendmail\nsend-mail\t/usr/local/sbin/sendmail\n" +
  "mailq\t\t/usr/local/sbin/sendmail\nnewaliases\t/usr/local/sbin/sendmail\n";

describe("mailer.conf", () => {
  test("the file of the Postfix package maps all four names, and no others", () => {
    for (const name of ["sendmail", "send-mail", "mailq", "newaliases"])
      expect(mailerConf.mapping(postfix, name)).toEqual({ program: "/usr/local/sbin/sendmail" });
    expect(mailerConf.mapping(postfix, "makemap")).toBeUndefined();
  });

  test.each([
    ["leading blanks", "  \tmailq /a", "/a"],
    ["arguments", "mailq /a -b  c", "/a"],
    ["a comment after the row", "mailq /a# -b", "/a"],
    ["a comment before", '# Execute the "real" one\nmailq /a', "/a"],
    ["an escaped comment sign", "mailq /a\\# b", "/a\\#"],
    ["a continued row", "mailq \\\n /a \\\n -b\n", "/a"],
    ["an escaped backslash at the end", "mailq \\\\\nmailq /b", "\\\\"],
    ["a comment does not continue", "# x \\\nmailq /a\n", "/a"],
    ["two rows", "mailq /a\nmailq /b\n", "/a"],
    ["no newline at the end", "\n\nmailq\t/a", "/a"],
    ["a backslash at the very end", "mailq /a\\", "/a"],
    ["a broken row after it", "mailq /a\nsendmail\n", "/a"],
    ["a name and blanks before it", "sendmail \t\nmailq /a\n", "/a"],
    ["a name and a comment before it", "sendmail # none\nmailq /a\n", "/a"],
    ["a name whose row goes on with nothing before it", "sendmail \\\n\nmailq /a\n", "/a"],
  ])("mailwrapper reads a row with %s", (_, text, program) => {
    expect(mailerConf.mapping(text, "mailq")).toEqual({ program });
  });

  test("a row without a program hides the rows after it", () => {
    for (const bare of ["sendmail", "sendmail# none", "sendmail\\\n", "  sendmail"]) {
      const text = `mailq /a\n${bare}\nnewaliases /b\n`;
      expect(mailerConf.mapping(text, "mailq")?.program).toBe("/a");
      expect(mailerConf.mapping(text, "newaliases")).toBeUndefined();
    }
  });

  test.each(["mailq \n", "mailq\t# x\n"])(
    "a row without a program is the one in force for its name: %j",
    (row) => {
      expect(mailerConf.mapping(`${row}mailq /a\n`, "mailq")).toBeUndefined();
    },
  );

  test("a row put before any text is the one in force", () => {
    holdsForTexts(fc.string({ unit: "binary-ascii" }), fc.nat(3), (text, blank) => {
      const row = `${" ".repeat(blank)}mailq /first\n`;
      expect(mailerConf.mapping(row + text, "mailq")).toEqual({ program: "/first" });
    });
  });
});
