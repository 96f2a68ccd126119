import fc from "fast-check";
import * as crontab from "../../../provider/formats/crontab";
import { holdsForTexts } from "./laws";

const root = [
  "#\t$OpenBSD: crontab,v 1.20 2010/01/01 00:00:00 nobody Exp $",
  "#",
  "SHELL=/bin/sh",
  "#",
  "#minute\thour\tmday\tmonth\twday\tcommand",
  "#",
  "# sendmail clientmqueue runner",
  "*/30\t*\t*\t*\t*\t/usr/sbin/sendmail -L sm-msp-queue -Ac -q",
  "#",
  "0\t*\t*\t*\t*\t/usr/bin/newsyslog",
  "",
].join("\n");

const job = fc.constantFrom(
  "*/30 * * * * q -a",
  "0 1 * * * b",
  "@daily q",
  "~ * * * * q",
  " 5 * * * * q",
);
const line = fc.oneof(
  { weight: 4, arbitrary: job },
  { weight: 3, arbitrary: job.map((text) => `#${text}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", " ", "#", "Q=q", "# q", "##@daily q", "q\r", "\xff q", "\0"),
  },
);
const texts = fc
  .tuple(fc.array(line, { maxLength: 10 }), fc.boolean())
  .map(([all, closed]) => all.join("\n") + (closed && all.length > 0 ? "\n" : ""));
const patterns: readonly (string | RegExp)[] = ["q", /\bb$/g, "-a", "@daily q"];
const anyPattern = fc.constantFrom(...patterns);

describe("crontab", () => {
  test("the clientmqueue runner is found whatever white space its line has", () => {
    for (const text of [root, root.replaceAll("\t", " ")]) {
      expect(crontab.activeMatching(text, "sm-msp-queue").map((found) => found.line)).toEqual([8]);
      expect(crontab.commentOut(text, "sm-msp-queue")).toBe(text.replace("*/30", "#*/30"));
    }
  });

  test.each([
    ["a comment", "# 5 * * * * q\n"],
    ["an indented comment", "  #5 * * * * q\n"],
    ["a variable", "MAILTO=q\n"],
    ["a job that does not match", "5 * * * * other\n"],
  ])("%s is no active job that matches", (_, text) => {
    expect(crontab.activeMatching(text, "q")).toEqual([]);
    expect(crontab.commentOut(text, "q")).toBe(text);
  });

  test("commented out is no longer active, and commenting out twice is once", () => {
    holdsForTexts(texts, anyPattern, (text, pattern) => {
      const once = crontab.commentOut(text, pattern);
      expect(crontab.activeMatching(once, pattern)).toEqual([]);
      expect(crontab.commentOut(once, pattern)).toBe(once);
    });
  });

  test("undoing gives the bytes that were there before, also after a trip through JSON", () => {
    holdsForTexts(texts, anyPattern, (text, pattern) => {
      const saved = JSON.parse(JSON.stringify(crontab.save(text, pattern))) as crontab.SavedCrontab;
      expect(crontab.undo(crontab.commentOut(text, pattern), saved)).toBe(text);
      expect(crontab.undo(text, saved)).toBe(text);
    });
  });

  test("several patterns saved before are undone in any order, to the byte", () => {
    holdsForTexts(texts, fc.shuffledSubarray([...patterns]), (text, order) => {
      const saved = order.map((pattern) => crontab.save(text, pattern));
      const edited = patterns
        .filter((pattern) => order.includes(pattern))
        .reduce<string>(crontab.commentOut, text);
      expect(saved.reduce(crontab.undo, edited)).toBe(text);
    });
  });

  test("undoing keeps lines that others put in or took away, and removes at most our marks", () => {
    const args = fc.tuple(anyPattern, fc.nat(), fc.option(line));
    holdsForTexts(texts, args, (text, [pattern, at, inserted]) => {
      const saved = crontab.save(text, pattern);
      const all = crontab.commentOut(text, pattern).split("\n");
      all.splice(at % all.length, 1, ...(inserted === null ? [] : [inserted]));
      const edited = all.join("\n");
      const undone = crontab.undo(edited, saved);
      expect(undone.split("\n").length).toBe(edited.split("\n").length);
      const unmarked = (some: string) => some.replace(/^#+/gm, "");
      expect(unmarked(undone)).toBe(unmarked(edited));
    });
  });

  test("a job that somebody put back in by hand is left, and so is the same job's older comment", () => {
    const text = "#@daily q\n@daily q\n";
    expect(crontab.undo(text, crontab.save(text, "q"))).toBe(text);
  });
});
