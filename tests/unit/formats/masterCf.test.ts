import fc from "fast-check";
import { FormatError } from "../../../provider/formats/bytes";
import * as masterCf from "../../../provider/formats/masterCf";
import { describeLaws, holds, isWithin } from "./laws";
import { foreignLine, names, overrideValues, parameters, services, texts } from "./masterCfTexts";

/** As the port installs it, shortened. */
const installed = `# ==========================================================================
# service type  private unpriv  chroot  wakeup  maxproc command + args
# ==========================================================================
smtp      inet  n       -       y       -       -       smtpd
#submission inet n       -       y       -       -       smtpd
#  -o syslog_name=postfix/submission
#  -o smtpd_tls_security_level=encrypt
#628       inet  n       -       y       -       -       qmqpd
pickup    unix  n       -       y       60      1       pickup
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
# a comment in between
        -o smtp_fallback_relay=
maildrop  unix  -       n       n       -       -       pipe
  flags=DRhu user=vmail argv=/usr/local/bin/maildrop -d \${recipient}
`;

const submission: masterCf.ServiceFields = {
  private: "n",
  unprivileged: "-",
  chroot: "y",
  wakeup: "-",
  maxproc: "-",
  command: "smtpd",
  args: [],
  overrides: { smtpd_tls_security_level: "encrypt", smtpd_sasl_auth_enable: "yes" },
};

/** Services whose options are in error are not edited. */
function isEditable(text: string, name: string): boolean {
  try {
    if (masterCf.get(text, name) !== undefined) masterCf.checkEditable(text, name);
    return true;
  } catch (error) {
    if (FormatError.isInstance(error)) return false;
    throw error;
  }
}

/**
 * A sample between a service and its continuation lines: when that service is taken away, and a service is put behind
 * the sample, nobody can tell any more that both belong between the same two lines.
 */
const hasSampleInside = (text: string): boolean =>
  /^#[ \t]?(\S+[ \t\r]+){7}[^\n]*\n(\s*#[^\n]*\n|\s*\n)*[ \t\r\v\f]+[^#\s]/m.test(text);

describe("master.cf", () => {
  describeLaws({
    format: masterCf,
    texts,
    keys: names,
    values: services,
    separator: "other unix - - n - - x\n",
    foreignLine,
    refused: (text) => !names.every((name) => isEditable(text, name)) || hasSampleInside(text),
  });

  test("a service whose options are in error is not edited, and can be removed", () => {
    const text = "smtp inet n - - - - smtpd -o {a=b\n";
    expect(() => masterCf.setOverride(text, "smtp/inet", "c", "d")).toThrow(/line 1: .*fix it/);
    expect(() => masterCf.checkEditable(text, "smtp/inet")).toThrow(FormatError);
    expect(masterCf.remove(text, "smtp/inet")).toBe("");
  });

  const part = fc.oneof(
    fc
      .record({
        name: fc.constantFrom(...names),
        parameter: fc.constantFrom(...parameters),
        value: fc.option(overrideValues),
      })
      .map(({ name, parameter, value }) => ({
        name,
        key: masterCf.overrideKey(name, parameter),
        edit: (text: string) =>
          value === null
            ? masterCf.remove(text, masterCf.overrideKey(name, parameter))
            : masterCf.setOverride(text, name, parameter, value),
        wanted: value ?? undefined,
      })),
    fc
      .record({
        name: fc.constantFrom(...names),
        field: fc.constantFrom("private", "unprivileged", "chroot"),
        value: fc.constantFrom("y", "n", "-"),
      } as const)
      .map(({ name, field, value }) => ({
        name,
        key: masterCf.fieldKey(name, field),
        edit: (text: string) => masterCf.setField(text, name, field, value),
        wanted: value,
      })),
    fc
      .record({
        name: fc.constantFrom(...names),
        args: fc.constantFrom([], ["-v"], ["x", "-o", "y"]),
      })
      .map(({ name, args }) => ({
        name,
        key: masterCf.fieldKey(name, "args"),
        edit: (text: string) => masterCf.setArgs(text, name, args),
        wanted: args,
      })),
  );
  /** Texts that have the service. */
  const cases = fc
    .tuple(texts, part)
    .filter(([text, { name }]) => masterCf.get(text, name) !== undefined && isEditable(text, name));
  const parts = (text: string, name: string): Record<string, unknown> => {
    const { overrides, ...fields } = masterCf.get(text, name) as masterCf.ServiceFields;
    return { ...fields, ...overrides };
  };

  test("what was set in a service is read back, and nothing else in the file reads otherwise", () => {
    holds(cases, ([text, { name, key, edit, wanted }]) => {
      const edited = edit(text);
      expect(masterCf.get(edited, key)).toEqual(wanted);
      const own = masterCf.parseKey(key);
      const which = own.is === "field" ? own.field : own.is === "override" ? own.parameter : "";
      expect({ ...parts(edited, name), [which]: 0 }).toEqual({ ...parts(text, name), [which]: 0 });
      const others = (some: string): unknown[] =>
        [...masterCf.services(some)]
          .filter(([other]) => other !== name)
          .map(([other, { line: _line, ...rest }]) => [other, rest]);
      expect(others(edited)).toEqual(others(text));
    });
  });

  test("setting or removing a part twice is doing it once, and undoing it gives the bytes of before", () => {
    holds(cases, ([text, { key, edit }]) => {
      const saved = JSON.parse(JSON.stringify(masterCf.savePart(text, key))) as masterCf.SavedPart;
      const edited = edit(text);
      expect(edit(edited)).toBe(edited);
      expect(masterCf.undoPart(edited, key, saved)).toBe(text);
    });
  });

  test("an override that was added and removed again leaves no byte behind", () => {
    holds(cases, ([text, { name }]) => {
      const key = masterCf.overrideKey(name, "new_one");
      const added = masterCf.setOverride(text, name, "new_one", "x y");
      expect(masterCf.remove(added, key)).toBe(text);
    });
  });

  test("comments and the lines of other services are in the file after any edit, in their order", () => {
    holds(cases, ([text, { edit }]) => {
      const comments = (some: string): string =>
        some
          .split("\n")
          .filter((one) => /^[ \t]*#/.test(one))
          .map((one) => `${one}\n`)
          .join("");
      expect(isWithin(comments(text), comments(edit(text)))).toBe(true);
    });
  });

  test("services are read with their columns, arguments and overrides, and samples are none", () => {
    const found = masterCf.services(installed);
    expect([...found.keys()]).toEqual([
      "smtp/inet",
      "pickup/unix",
      "proxymap/unix",
      "smtp/unix",
      "relay/unix",
      "maildrop/unix",
    ]);
    expect(found.get("pickup/unix")).toEqual({
      private: "n",
      unprivileged: "-",
      chroot: "y",
      wakeup: "60",
      maxproc: "1",
      command: "pickup",
      args: [],
      overrides: {},
      line: 9,
    });
    expect(found.get("relay/unix")?.overrides).toEqual({
      syslog_name: "postfix/$service_name",
      smtp_fallback_relay: "",
    });
    expect(found.get("maildrop/unix")?.args).toEqual([
      "flags=DRhu",
      "user=vmail",
      "argv=/usr/local/bin/maildrop",
      "-d",
      "${recipient}",
    ]);
  });

  test("a new service goes behind its sample, an unknown one to the end", () => {
    const added = masterCf.set(installed, "submission/inet", submission);
    expect(added).toBe(
      installed.replace(
        "level=encrypt\n",
        `level=encrypt
submission inet  n       -       y       -       -       smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
`,
      ),
    );
    expect(masterCf.remove(added, "submission/inet")).toBe(installed);
    expect(masterCf.set("", "x/unix", { ...submission, command: "pipe", args: ["user=x"] })).toBe(
      "x         unix  n       -       y       -       -       pipe\n" +
        "  -o smtpd_tls_security_level=encrypt\n  -o smtpd_sasl_auth_enable=yes\n  user=x\n",
    );
  });

  test("a word is changed where it stands, and no other byte", () => {
    expect(masterCf.setField(installed, "smtp/inet", "chroot", "n")).toBe(
      installed.replace("smtp      inet  n       -       y", "smtp      inet  n       -       n"),
    );
    expect(masterCf.setOverride(installed, "relay/unix", "syslog_name", "a b")).toBe(
      installed.replace("syslog_name=postfix/$service_name", "{ syslog_name = a b }"),
    );
    expect(masterCf.setOverride(installed, "maildrop/unix", "x", "1")).toBe(
      installed.replace("pipe\n  flags", "pipe\n  -o x=1\n  flags"),
    );
  });

  test("a new service is chrooted as its like in the file", () => {
    expect(masterCf.usual(installed, "chroot", "smtpd")).toBe("y");
    expect(masterCf.usual(installed, "chroot", "lmtp")).toBe("y");
    expect(masterCf.usual(installed, "chroot", "virtual")).toBe("n");
    expect(masterCf.usual(installed.replaceAll(" y ", " - "), "chroot", "lmtp")).toBe("-");
    expect(masterCf.usual("", "chroot", "lmtp")).toBe("-");
    expect(masterCf.usual(installed, "unprivileged", "pipe")).toBe("n");
    expect(masterCf.usual(installed, "unprivileged", "smtpd")).toBe("-");
  });

  test("lines in error are named with their reason, and duplicates with their lines", () => {
    const text =
      " orphan\nsmtp inet n - y -\nsmtp inet n - y - - smtpd -o\nsmtp inet n x y - - smtpd\n" +
      "smtp tcp n - - - - smtpd\nsmtp inet n - - - - smtpd -v -o {a = b} x -o\n";
    expect(masterCf.faults(text).map(({ line }) => line)).toEqual([1, 2, 3, 4, 5]);
    expect(masterCf.faults(installed)).toEqual([]);
    expect(masterCf.duplicates(text)).toEqual([{ name: "smtp/inet", lines: [3, 4, 6] }]);
  });

  test.each(["smtp", "smtp/tcp", "", "/inet x"])("%j names no service", (name) => {
    expect(() => masterCf.set("", name, submission)).toThrow(FormatError);
  });

  test.each([
    { chroot: "maybe" },
    { maxproc: "many" },
    { wakeup: "1m" },
    { command: "smtpd -v" },
    { args: ["-o", "a=b"] },
    { args: ["two words"] },
    { args: [""] },
    { overrides: { "a b": "c" } },
    { overrides: { a: "b\nc" } },
    { overrides: { a: "{" } },
    { overrides: { a: "} {" } },
  ])("%j is refused in a service", (wrong) => {
    expect(() => masterCf.set("", "x/unix", { ...submission, ...wrong })).toThrow(FormatError);
  });
});
