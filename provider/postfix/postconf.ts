/** `name = value` lines of postconf(1), by name. */
export function parseSettings(stdout: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...stdout.matchAll(/^(\w+) = ?(.*)$/gm)].map(([, name = "", value = ""]) => [
      name,
      value.trim(),
    ]),
  );
}
