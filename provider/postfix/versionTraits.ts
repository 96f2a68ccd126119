/** What a version of Postfix can do: the one place in which versions are compared. */
interface PostfixTraits {
  /** In master.cf, is `{ name = value }` one word despite its blanks (master(5), "3.0 and later")? */
  readonly braces: boolean;
}

/** @param version as `postconf -h mail_version` prints it, such as "2.6.5" or "3.11-20250101" */
export function postfixTraits(version: string): PostfixTraits {
  return { braces: Number(/^\d+/.exec(version)?.[0] ?? "3") >= 3 };
}
