/** What a version of Postfix can do and has: the one place in which versions are compared. */
interface PostfixTraits {
  /** In master.cf, is `{ name = value }` one word despite its blanks (master(5), "3.0 and later")? */
  readonly braces: boolean;
}

/** Is the version this one or a later one? A version that cannot be read counts as the newest. */
export function isFrom(version: string, first: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return true;
  const [firstMajor = 0, firstMinor = 0] = first.split(".").map(Number);
  return (
    Number(major) > firstMajor || (Number(major) === firstMajor && Number(minor) >= firstMinor)
  );
}

/** @param version as `postconf -h mail_version` prints it, such as "2.6.5" or "3.11-20250101" */
export function postfixTraits(version: string): PostfixTraits {
  return { braces: Number(/^\d+/.exec(version)?.[0] ?? "3") >= 3 };
}
