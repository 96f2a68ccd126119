import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { FormatError } from "../../../provider/formats/bytes";
import * as rcConfLocal from "../../../provider/formats/rcConfLocal";
import type { Saved } from "../../../provider/formats/undo";
import { describeLaws, holds, numRuns, type KeyedFormat } from "./laws";
import {
  assignments,
  flags,
  foreignLine,
  names,
  parsed,
  syntaxes,
  texts,
  values,
} from "./rcConfLocalTexts";

const { get, set, remove, save, undo, hasWords, addWords, removeWords, saveWords, undoWords } =
  rcConfLocal;

describe.each(syntaxes)("rc.conf.local, %s", (called, syntax) => {
  const format: KeyedFormat<string, Saved> = {
    get: (text, name) => get(text, name, syntax),
    set: (text, name, value, was) => set(text, name, value, syntax, was),
    remove: (text, name) => remove(text, name, syntax),
    save: (text, name) => save(text, name, syntax),
    undo: (text, name, saved) => undo(text, name, saved, syntax),
  };
  const refused = (text: string): boolean => {
    try {
      set(text, "pf", "x", syntax);
      return false;
    } catch (error) {
      if (FormatError.isInstance(error)) return true;
      throw error;
    }
  };
  // What other shell assigns stays when a variable is removed.
  const removable = (text: string): boolean =>
    names.every((name) => get(remove(text, name, syntax), name, syntax) === undefined);
  describeLaws({
    format,
    texts: texts[called],
    keys: names,
    values: values(syntax),
    separator: "ntpd_flags=\n",
    foreignLine,
    refused,
    removable,
  });

  const whole = texts[called].filter((text) => !refused(text));
  const name = fc.constantFrom(...names);
  const takes = (text: string, variable: string): boolean => {
    if (syntax === "sourced") return get(text, variable, syntax, "") !== "NO";
    const value = get(text, variable, syntax, "") ?? "";
    return typeof value === "string" && value !== "NO" && !/["'\\\r]/.test(value);
  };
  const added = fc.tuple(whole, name, flags).filter(([text, variable]) => takes(text, variable));

  test("words that were added are there, once", () => {
    holds(added, ([text, variable, words]) => {
      const once = addWords(text, variable, words, syntax);
      expect(hasWords(once, variable, words, syntax)).toBe(true);
      expect(addWords(once, variable, words, syntax)).toBe(once);
    });
  });

  test("undoing added words gives the bytes that were there before", () => {
    holds(added, ([text, variable, words]) => {
      const saved = saveWords(text, variable, words, syntax);
      const once = addWords(text, variable, words, syntax);
      expect(undoWords(once, variable, words, saved, syntax)).toBe(text);
    });
  });

  test("several words saved before are undone in any order, to the byte", () => {
    const args = fc.tuple(added, fc.shuffledSubarray(["-p", "-q /r", "s"], { minLength: 1 }));
    holds(args, ([[text, variable], all]) => {
      const saved = new Map(all.map((one) => [one, saveWords(text, variable, one, syntax)]));
      const edited = [...all]
        .sort()
        .reduce((now, one) => addWords(now, variable, one, syntax), text);
      const undone = [...saved].reduce(
        (now, [one, was]) => undoWords(now, variable, one, was, syntax),
        edited,
      );
      expect(undone).toBe(text);
    });
  });

  test("words added to a readable value leave what it held, and removing them brings it back", () => {
    holds(added, ([text, variable, words]) => {
      const before = get(text, variable, syntax, "") ?? "";
      if (typeof before !== "string" || hasWords(text, variable, words, syntax)) return;
      const once = addWords(text, variable, words, syntax);
      const now = get(once, variable, syntax, "");
      expect(typeof now === "string" && now.startsWith(before) && now.endsWith(words)).toBe(true);
      expect(get(removeWords(once, variable, words, syntax), variable, syntax, "")).toBe(before);
    });
  });
});

describe("rc.conf.local, sourced", () => {
  test.each([
    ["a='-a /x'\n", "-a /x"],
    ['a="-a /x"', "-a /x"],
    ["a=-bd # why\n", "-bd"],
    ["a=b#c", "b#c"],
    ["a=", ""],
    ["a=1\na=2\n", "2"],
    ["  export a=1 b=2; c=3\n", "1"],
    ["a=1; a=2", "2"],
    ["a='b\n\tc'\n", "b\n\tc"],
    ["a=b\\\nc\n", "bc"],
    ["a=\"b\"'c'\\ d\n", "bc d"],
    ['a="\\$x \\"y\\" \\z"\n', '$x "y" \\z'],
    ["b=1\na=$b-${b}\n", "1-1"],
    ['a=1\na="${a} 2"\n', "1 2"],
    ['a="-b"x\n#a=2\n', "-bx"],
    ["a=1\nif true; then b=2; fi\n", "1"],
    ["aa=1\n", undefined],
    ["(b=1)\n", undefined],
    ["", undefined],
  ])("the shell reads a from %j as %j", (text, value) => {
    expect(get(text, "a", "sourced")).toBe(value);
  });

  test.each([
    "a=`date`\n",
    "a=$(date)\n",
    "a=${b:-c}\n",
    "a=$b\n",
    "a=~/x\n",
    "a=1\n. /etc/other\n",
    "a=1\nif true; then a=2; fi\n",
    "a=1\ncase x in x) a=2;; esac\n",
    "a=1\nread a </etc/x\n",
    "a=1\nunset a\n",
    "true && a=1\n",
    "a=1 b\n",
    "f() { a=1; }\n",
    'b="\na=1\n',
    "cat <<E\na=1\nE\n",
  ])("what only a shell can tell is said to be unreadable: %j", (text) => {
    expect(get(text, "a", "sourced")).toHaveProperty("unreadable");
  });

  test("what rc.conf says is what an addition builds on", () => {
    const text = 'syslogd_flags="${syslogd_flags} -a /x"\n';
    expect(get(text, "syslogd_flags", "sourced", "-d")).toBe("-d -a /x");
    expect(hasWords(text, "syslogd_flags", "-a /x", "sourced")).toBe(true);
    expect(addWords(text, "syslogd_flags", "-a /y", "sourced")).toBe(
      'syslogd_flags="${syslogd_flags} -a /x -a /y"\n',
    );
  });

  test("a new assignment at the end overrides what is not touched", () => {
    const text = "if true; then\n\ta=1\nfi\n";
    expect(set(text, "a", "2", "sourced")).toBe(`${text}a="2"\n`);
    expect(set("a=1; b=2\n", "a", "3", "sourced")).toBe('a=1; b=2\na="3"\n');
    expect(addWords("a=`x`\n", "a", "-b", "sourced")).toBe('a=`x`\na="${a} -b"\n');
  });

  test.each([
    "f() { a=2; }\na=1\nf\n",
    "f() { a=2; }\ng() { f; }\na=1\ng x\n",
    "function f { a=2; }\na=1\nif f; then b=1; fi\n",
    "a=1\n: ${a:=5}\n",
    "a=1\nb=${a:=5}\n",
    'a=1\nb="x ${a=5}"\n',
  ])("what a function or an expansion may assign is not edited in its place: %j", (text) => {
    expect(get(text, "a", "sourced")).toHaveProperty("unreadable");
    expect(set(text, "a", "3", "sourced")).toMatch(/\na="3"\n$/);
  });

  test.each(["f() { b=2; }\na=1\nf\n", "a=1\n: ${b:=$a}\n", "f() { a=2; }\na=1\nc=f\n"])(
    "what assigns others leaves it where it is: %j",
    (text) => {
      expect(get(text, "a", "sourced")).toBe("1");
      expect(set(text, "a", "3", "sourced")).toBe(text.replace("a=1", 'a="3"'));
    },
  );

  test("in its place an assignment keeps export, blanks and comment", () => {
    expect(set("\texport a='1'  # why\n", "a", "2", "sourced")).toBe('\texport a="2"  # why\n');
    expect(set("a=1 # x\nb=2\n", "a", "NO", "sourced")).toBe("a=NO # x\nb=2\n");
  });

  test.each([
    ["a'b", `"a'b"`],
    ['a"b', `'a"b'`],
    ["$x `y` \\", "'$x `y` \\'"],
    [`'"$\\`, `"'\\"\\$\\\\"`],
    ["a#b", '"a#b"'],
    ["", ""],
    ["NO", "NO"],
    ["-bd", '"-bd"'],
  ])("%j is written as %s", (value, written) => {
    expect(set("", "a", value, "sourced")).toBe(`a=${written}\n`);
  });

  test("an earlier assignment that another statement uses stays", () => {
    const text = 'a=1\nb="$a"\na=2\n';
    expect(set(text, "a", "3", "sourced")).toBe('a=1\nb="$a"\na="3"\n');
  });

  test.each([
    "a='open\n",
    "if true\n",
    "cat <<E\nE\n",
    "a=1\\",
    "exit 0\n",
    "readonly a=1\n",
    "true &&\n",
    "fi\n",
  ])("nothing is added after what would swallow or refuse it: %j", (text) => {
    expect(() => set(text, "a", "x", "sourced")).toThrow(/line 1/);
    expect(undo(text, "a", save(text, "a", "sourced"), "sourced")).toBe(text);
  });

  test("assignments are read as sh reads them", () => {
    const end = 'printf \'%s\\0\' "$syslogd_flags" "$d_flags" "$pkg_scripts" "$pf"';
    fc.assert(
      fc.property(assignments, (text) => {
        const { stdout, stderr } = spawnSync("/bin/sh", ["-s"], {
          input: Buffer.from(`${text}\n${end}\n`, "latin1"),
          env: { HOME: "/nonexistent", PATH: "/nonexistent", LC_ALL: "C" },
          encoding: "latin1",
        });
        expect(stderr).toBe("");
        const ours = names.map((name) => get(text, name, "sourced", "") ?? "");
        expect(ours.map((value) => (typeof value === "string" ? value : "?"))).toEqual(
          stdout.split("\0").slice(0, -1),
        );
      }),
      // A whole number: fast-check counts down to exactly -1, and goes on for ever from a fraction.
      { numRuns: Math.ceil(Math.min(numRuns, 1000) / 3) },
    );
  });
});

describe("rc.conf.local, parsed", () => {
  const flagsOf = (text: string) => get(text, "d_flags", parsed);

  test.each([
    ["d_flags=-a /x\n", "-a /x"],
    ['  d_flags \t= \t"-a /x"  \n', "-a /x"],
    ["d_flags='-a'\n", "-a"],
    ["d_flags=\"'-a'\"\n", "'-a'"],
    ['d_flags="-a\n', '"-a'],
    ['d_flags="a # b"\n', '"a'],
    ["d_flags=NO # off\n", "NO"],
    ["d_flags=\n", ""],
    ["d_flags=1\nd_flags=2\n", "2"],
    ["D_Flags=1\n", "1"],
    ["d_flags=a=b\n", "a=b"],
    ['d_flags="${d_flags} -a"\n', "${d_flags} -a"],
    ["d_flags=a \\\nb\n", "a \\"],
    ["d_flags=NO\r\n", "NO\r"],
    ["d_flags=1\nd_flags=2", "1"],
    ["d_flags=2", undefined],
    ["#d_flags=1\n", undefined],
    ["=d_flags=1\n", undefined],
    ["export d_flags=1\n", "1"],
    ["EXPORT D_Flags = '-a b' # why\n", "-a b"],
    ["export b_flags d_flags=it's\n", "it's"],
    ["export d_flags=1", undefined],
    ["export pf=1\nd_flags=2\n", "2"],
    ["export d_flags=1\nd_flags=2\n", "2"],
    ["d_flags=1\nexport d_flags=2\n", "2"],
    ["e-d_flags=1\n", undefined],
    ["0d_flags=1\n", undefined],
    ["dd_flags=1\n", undefined],
    ["d_flags\n", undefined],
  ])("rc.subr reads d_flags from %j as %j", (text, value) => {
    expect(flagsOf(text)).toBe(value);
  });

  test("a variable that rc.subr ignores is not read, and refused", () => {
    expect(get("sendmail=1\n", "sendmail", parsed)).toBeUndefined();
    expect(() => set("", "sendmail", "1", parsed)).toThrow(/not read by this release/);
    expect(() => set("", "d flags", "1", parsed)).toThrow(FormatError);
  });

  test.each(["[ -x /usr/sbin/d ] && d_flags=-y\n", "unset d_flags; x_flags=\n"])(
    "what stands before the = is a command, and what it does is said to be unreadable: %j",
    (line) => {
      const text = `d_flags=-x\n${line}`;
      expect(get(text, "d_flags", parsed)).toEqual({ unreadable: line.trim() });
      expect(get(text, "pf", parsed)).toBeUndefined();
      expect(set(text, "d_flags", "-z", parsed)).toBe(`${line}d_flags="-z"\n`);
      expect(() => addWords(text, "d_flags", "-z", parsed)).toThrow(/only a shell can tell/);
    },
  );

  test("an exported variable is added to on a line of its own, written out, and comes back to the byte", () => {
    const text = "export d_flags=-x\n# more\n";
    const saved = saveWords(text, "d_flags", "-a /p", parsed);
    const more = addWords(text, "d_flags", "-a /p", parsed);
    expect(more).toBe(`${text}d_flags="-x -a /p"\n`);
    expect(undoWords(more, "d_flags", "-a /p", saved, parsed)).toBe(text);
  });

  test.each([
    "exit; d_flags=1\n",
    "break; d_flags=1\n",
    "read x; d_flags=1\n",
    "cat d_flags=1\n",
    "typeset d_flags=1\n",
    "readonly d_flags=1\n",
    "[ -n $(cat) ] && d_flags=1\n",
    "if true; then d_flags=1; fi\n",
    '"d_flags=1\n',
  ])("nothing is added after a command that may read on, or end the reading: %j", (text) => {
    expect(() => set(text, "pf", "NO", parsed)).toThrow(/line 1.*nothing can be added after it/);
    expect(undo(text, "pf", save(text, "pf", parsed), parsed)).toBe(text);
    expect(set(text.slice(0, -1), "pf", "NO", parsed)).toBe(`pf=NO\n${text.slice(0, -1)}`);
  });

  test("a name of which only the end is looked at is a name of that release", () => {
    const first: rcConfLocal.RcNames = { endings: ["flags"], names: ["pf_rules"] };
    expect(get("d_logger=x\n", "d_logger", first)).toBeUndefined();
    expect(() => set("", "d_logger", "x", first)).toThrow(/end in _flags, and pf_rules/);
    expect(get("d_logger=x\n", "d_logger", parsed)).toBe("x");
    expect(get("pf_rules=x\n", "pf_rules", first)).toBe("x");
    expect(get("pf_rules=x\n", "pf_rules", parsed)).toBeUndefined();
  });

  test.each([
    ['pkg_scripts="mysqld \\\npostfix_two"\n', /line 1, pkg_scripts: .*one line and no further/],
    ["pf=NO\npkg_scripts='mysqld\n'\n", /line 2, pkg_scripts: .*a quote that does not end/],
    ["pkg_scripts=mysqld \\\n", /a backslash at its end/],
    ['pf=NO\r\npkg_scripts="mysqld"\r\n', /line 2, pkg_scripts: its carriage return/],
  ])("words are not added to a value that was meant to go on: %j", (text, reason) => {
    expect(() => addWords(text, "pkg_scripts", "postfix", parsed)).toThrow(reason);
    // The variable as a whole can be set, and is then read back.
    const whole = set(text, "pkg_scripts", "mysqld postfix", parsed);
    expect(get(whole, "pkg_scripts", parsed)).toBe("mysqld postfix");
  });

  test("words are taken out of such a value without a further quote", () => {
    const text = 'pkg_scripts="mysqld postfix \\\n';
    expect(removeWords(text, "pkg_scripts", "postfix", parsed)).toBe('pkg_scripts="mysqld \\\n');
  });

  test("a value that rc.subr would cut is refused", () => {
    expect(() => set("", "d_flags", "a#b", parsed)).toThrow(/#/);
    expect(() => set("", "d_flags", "a\nb", parsed)).toThrow(/newline/);
  });

  test("a plain value is written so that both syntaxes read the same", () => {
    for (const value of ["", "NO", "YES", "-bd", "-a /x -b", "it's"]) {
      const text = set("", "d_flags", value, parsed);
      expect(text).toBe(set("", "d_flags", value, "sourced"));
      expect(get(text, "d_flags", "sourced")).toBe(value);
    }
  });

  test("in its place a variable keeps its blanks and comment", () => {
    expect(set("\td_flags = 'a'  # why\n", "d_flags", "b", parsed)).toBe(
      '\td_flags = "b"  # why\n',
    );
  });

  test("a last line that is not read for its missing newline stays so", () => {
    expect(set("ntpd_flags=NO", "d_flags", "x", parsed)).toBe('d_flags="x"\nntpd_flags=NO');
    expect(set("d_flags=x", "d_flags", "x", parsed)).toBe('d_flags="x"\n');
  });
});

describe.each(syntaxes)("words in rc.conf.local, %s", (_called, syntax) => {
  test("flags are words next to each other, not text", () => {
    const text = 'syslogd_flags="-a /var/spool/postfix/dev/log2 -a -h"\n';
    expect(hasWords(text, "syslogd_flags", "-a /var/spool/postfix/dev/log", syntax)).toBe(false);
    expect(hasWords(text, "syslogd_flags", "-a  -h", syntax)).toBe(true);
    expect(hasWords(text, "syslogd_flags", "-h -a", syntax)).toBe(false);
  });

  test("words are added at the end, and taken from where they stand", () => {
    const text = 'pkg_scripts="dbus  mysqld"\n';
    const more = addWords(text, "pkg_scripts", "postfix", syntax);
    expect(more).toBe('pkg_scripts="dbus  mysqld postfix"\n');
    expect(removeWords(more, "pkg_scripts", "mysqld", syntax)).toBe(
      'pkg_scripts="dbus  postfix"\n',
    );
    expect(removeWords(more, "pkg_scripts", "dbus", syntax)).toBe(
      'pkg_scripts=" mysqld postfix"\n',
    );
    expect(removeWords(more, "pkg_scripts", "my", syntax)).toBe(more);
  });

  test("a first word builds on what rc.conf says", () => {
    expect(addWords("", "ntpd_flags", "-v", syntax, "-s")).toBe('ntpd_flags="-s -v"\n');
    expect(hasWords("", "ntpd_flags", "-s", syntax, "-s")).toBe(true);
  });

  test("words that were there before us stay", () => {
    const text = 'pkg_scripts="postfix"\n';
    const saved = saveWords(text, "pkg_scripts", "postfix", syntax);
    expect(undoWords(text, "pkg_scripts", "postfix", saved, syntax)).toBe(text);
  });

  test("words that others added meanwhile stay when ours go", () => {
    const text = "pkg_scripts=dbus # keep\n";
    const saved = saveWords(text, "pkg_scripts", "postfix", syntax);
    const edited = addWords(text, "pkg_scripts", "postfix", syntax);
    const theirs = addWords(edited, "pkg_scripts", "mysqld", syntax);
    expect(undoWords(theirs, "pkg_scripts", "postfix", saved, syntax)).toBe(
      'pkg_scripts="dbus mysqld" # keep\n',
    );
  });

  test("flags of a daemon that is off are refused, since they would turn it on", () => {
    expect(() => addWords("d_flags=NO\n", "d_flags", "-v", syntax)).toThrow(/NO/);
    expect(() => addWords("", "d_flags", "-v", syntax, "NO")).toThrow(/NO/);
    expect(() => addWords("", "d_flags", " ", syntax)).toThrow(FormatError);
  });
});
