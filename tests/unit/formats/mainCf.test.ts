import { FormatError } from "../../../provider/formats/bytes";
import * as mainCf from "../../../provider/formats/mainCf";
import { describeLaws } from "./laws";
import { foreignLine, names, texts, values } from "./mainCfTexts";

/** As the port installs it, shortened. */
const installed = `# Global Postfix configuration file.
#
queue_directory = /var/spool/postfix
mail_owner = _postfix

#myhostname = host.domain.tld
#
unknown_local_recipient_reject_code = 550

debugger_command =
\t PATH=/bin:/usr/bin:/usr/local/bin:/usr/X11R6/bin
# a comment in between
\t ddd $daemon_directory/$process_name $process_id & sleep 5

sendmail_path = /usr/local/sbin/sendmail
`;

describe("main.cf", () => {
  describeLaws({
    format: mainCf,
    texts,
    keys: names,
    values,
    separator: "other = 1\n",
    foreignLine,
  });

  test.each([
    ["a =b", "b"],
    ["a=\tb \t\r\n", "b"],
    ["a =", ""],
    ["a = b # not a comment", "b # not a comment"],
    ["a = b=c", "b=c"],
    ["a = 1\na = 2\n", "2"],
    ["a = 1\n#a = 2\n a = 3\n", "1 a = 3"],
    ["a = b\n  c\n", "b  c"],
    ["a\n = b\n", "b"],
    ["a =\n\tb,\n# comment\n\n  # another\n\tc\nother = d", "b,\tc"],
    ["a = b\n#\n", "b"],
    ["a = b\0c\n d\n", "b"],
    ["a = \xff\xfe\n", "\xff\xfe"],
    [" a = b\n", undefined],
    ["# a = b\n", undefined],
    ["ab = c\n", undefined],
    ["A = c\n", undefined],
    ["", undefined],
  ])("Postfix reads a from %j as %j", (text, value) => {
    expect(mainCf.get(text, "a")).toBe(value);
  });

  test("a continued parameter is read whole, and commented examples are not settings", () => {
    expect(mainCf.get(installed, "debugger_command")).toBe(
      "PATH=/bin:/usr/bin:/usr/local/bin:/usr/X11R6/bin\t ddd $daemon_directory/$process_name $process_id & sleep 5",
    );
    expect(mainCf.get(installed, "myhostname")).toBeUndefined();
    expect([...mainCf.parameters(installed)].map(([name, { line }]) => [name, line])).toEqual([
      ["queue_directory", 3],
      ["mail_owner", 4],
      ["unknown_local_recipient_reject_code", 8],
      ["debugger_command", 10],
      ["sendmail_path", 15],
    ]);
  });

  test("a new parameter goes to the end, an old one is replaced where it stands", () => {
    expect(mainCf.set(installed, "myhostname", "mx1.example.org")).toBe(
      `${installed}myhostname = mx1.example.org\n`,
    );
    expect(mainCf.set(installed, "mail_owner", "")).toBe(
      installed.replace("mail_owner = _postfix", "mail_owner ="),
    );
    expect(mainCf.set("# no newline", "a", "b")).toBe("# no newline\na = b\n");
  });

  test("replacing a continued parameter keeps the comment inside it", () => {
    expect(mainCf.set("a = 1\n# why\n  2\nb = 3\n", "a", "4")).toBe("a = 4\n# why\nb = 3\n");
  });

  test("of several entries the one in force is replaced, and the others go", () => {
    expect(mainCf.set("a = 1\nb = 2\na = 3\n 4\nc = 5\n", "a", "6")).toBe("b = 2\na = 6\nc = 5\n");
    expect(mainCf.set("a = 1\nb = 2\na = 3\n", "a", "3")).toBe("b = 2\na = 3\n");
  });

  test("an equal value keeps its spelling", () => {
    for (const text of ["a=b", "a   =   b  \n", "a =\n b\n"]) {
      expect(mainCf.set(text, "a", "b")).toBe(text);
    }
  });

  test("names that begin alike are different names", () => {
    const text = "virtual_transport_rate_delay = 1s\n";
    expect(mainCf.set(text, "virtual_transport", "lmtp:x")).toBe(
      `${text}virtual_transport = lmtp:x\n`,
    );
  });

  test("duplicates are reported with their lines, and lines in error with the reason", () => {
    const text = " orphan\n\na = 1\nb = 2\na = 3\n  more\nno equals sign\na = 4\n";
    expect(mainCf.duplicates(text)).toEqual([{ name: "a", lines: [3, 5, 8] }]);
    expect(mainCf.faults(text).map(({ line }) => line)).toEqual([1, 7]);
    expect(mainCf.faults(installed)).toEqual([]);
  });

  test.each(["", "#a", "a b", "a=b", "a\nb", " a", "-a", "é", "a\0"])(
    "%j is refused as a name",
    (name) => {
      expect(() => mainCf.set("", name, "x")).toThrow(FormatError);
    },
  );

  test.each([
    "smtp_tls_security_level",
    "policyd-spf_time_limit",
    "127.0.0.1:10025_time_limit",
    "2bounce_notice_recipient",
  ])("%j is accepted as a name", (name) => {
    expect(mainCf.get(mainCf.set("", name, "x"), name)).toBe("x");
  });

  test.each(["a\nb = c", "a\n b", "a\0b", " a", "a ", "\ta", "a\r", "€"])(
    "%j is refused as a value",
    (value) => {
      expect(() => mainCf.set("", "a", value)).toThrow(/value of "a"/);
    },
  );

  test("an entry finds its place again after comments were written and entries deleted around it", () => {
    const text = "# head\na = 1\n\n# about b\nb = 2\n\n# about c\nc = 3\n";
    const saved = mainCf.save(text, "b");
    const edited = mainCf
      .set(text, "b", "9")
      .replace("# head\n", "# new\n# head\n\nz = 0\n")
      .replace("c = 3\n", "");
    expect(mainCf.undo(edited, "b", saved)).toBe(edited.replace("b = 9", "b = 2"));
    const without = mainCf.remove(edited, "b");
    expect(mainCf.undo(without, "b", saved)).toBe(edited.replace("b = 9", "b = 2"));
  });

  test("an entry that comes back never takes another's continuation lines for its own", () => {
    const saved = mainCf.save("k = 1\n# x\n", "k");
    const undone = mainCf.undo("a = 1\n# y\n  2\n# x\n  3\n", "k", saved);
    expect(mainCf.get(undone, "a")).toBe("1  2  3");
    expect(mainCf.get(undone, "k")).toBe("1");
  });

  test("a file of 10,000 lines is edited in less than a second", () => {
    const text = Array.from({ length: 10_000 }, (_, nth) => `name_${nth} = value\n`).join("");
    const began = process.cpuUsage();
    const saved = mainCf.save(text, "name_5000");
    const edited = mainCf.set(text, "name_5000", "x");
    expect(mainCf.undo(edited, "name_5000", saved)).toBe(text);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
  });
});
