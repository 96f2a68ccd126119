/** How each Postfix does things, from the version that it names itself; no resource compares versions. */
interface PostfixTraits {
  /** Whether `{ name = value }` in master.cf keeps blanks in one word (master(5), "3.0 and later"). */
  readonly braces: boolean;
}

/** @param version what `postconf -h mail_version` prints, such as "2.6.5" or "3.11-20250101" */
export function postfixTraits(version: string): PostfixTraits {
  return { braces: Number(/^\d+/.exec(version)?.[0] ?? "3") >= 3 };
}
