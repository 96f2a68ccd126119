import type { Bytes } from "./bytes";
import type { RcUnit } from "./rcUnits";
import { splitLines } from "./units";

/**
 * An assignment in rc.conf.local, as `_rc_parse_conf` of rc.subr(8) reads it from OpenBSD 5.6 on: one on each line,
 * without expansion or continuation, up to the first `#` even inside quotes, with one pair of quotes removed. The
 * function loops over `read`, so it ignores a last line without a newline.
 */
const line = /^[ \t]*([^#= \t][^=]*?)[ \t]*=[ \t]*/;

const suffixes = ["execdir", "flags", "logger", "rtable", "timeout", "user"];
const others = [
  "accounting",
  "amd_master",
  "check_quotas",
  "ipsec",
  "library_aslr",
  "multicast",
  "nfs_server",
  "pexp",
  "pf",
  "pkg_scripts",
  "shlib_dirs",
  "spamd_black",
];
const accepted = new RegExp(`^([a-z0-9_]*_(${suffixes.join("|")})|${others.join("|")})$`);

/** Whether rc.subr(8) reads a variable; it ignores all others without a word. */
export function isAccepted(name: string): boolean {
  return accepted.test(name.toLowerCase());
}

export function parsedUnits(text: Bytes): readonly RcUnit[] {
  return splitLines(text).map((raw, index) => unitOf(raw, index + 1));
}

/** Without object spread, which takes several times as long in a file of many lines. */
function unitOf(raw: Bytes, number: number): RcUnit {
  const content = raw.endsWith("\n") ? raw.slice(0, -1) : raw;
  const [head, name] = line.exec(content) ?? [];
  if (head === undefined || name === undefined || !isAccepted(name)) {
    return {
      raw,
      role: "gap",
      key: undefined,
      line: number,
      head: "",
      rest: "",
      assigns: [],
      opaque: "no",
      fault: undefined,
    };
  }
  const value = content
    .slice(head.length)
    .replace(/#[^]*/, "")
    .replace(/[ \t]+$/, "");
  const literal = /^("[^]*"|'[^]*')$/.test(value) ? value.slice(1, -1) : value;
  const key = name.toLowerCase();
  return {
    raw,
    role: "start",
    key,
    line: number,
    head,
    rest: raw.slice(head.length + value.length),
    assigns: raw.endsWith("\n") ? [{ name: key, parts: [{ literal }] }] : [],
    opaque: "no",
    fault: undefined,
  };
}

/** A value as it is written. The quotes are for a shell that sources the file. */
export function parsedValue(value: Bytes): Bytes {
  return /^(|NO|YES)$/.test(value) ? value : `"${value}"`;
}
