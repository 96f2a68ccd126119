/** Whom an alias reaches: guide 2.7, "ensure they are routed to the correct person". Pure. */

/** Names that RFC 2142 and the guide want answered by a person. */
const MUST_REACH = ["root", "postmaster", "webmaster"] as const;

/** Entries of the alias file, by name in lower case. */
type Entries = ReadonlyMap<string, readonly string[]>;

/** Why mail to one of the names that somebody must read is read by nobody; empty when all of it is. */
export function unreached(entries: Entries, users: ReadonlySet<string>): readonly string[] {
  return MUST_REACH.flatMap((name) => {
    const reason = lost(name, entries, users, []);
    return reason === undefined ? [] : [`mail to ${name} reaches nobody: ${reason}.`];
  });
}

/** Why mail to a local name is lost; `undefined` when somebody or something takes it. */
function lost(
  name: string,
  entries: Entries,
  users: ReadonlySet<string>,
  path: readonly string[],
): string | undefined {
  const key = name.toLowerCase();
  // A name that leads back to itself is the user of that name (aliases(5)), and else a loop.
  const targets = path.includes(key) ? undefined : entries.get(key);
  if (targets === undefined) {
    if (users.has(name)) return undefined;
    return path.includes(key)
      ? `${[...path, key].join(" -> ")} leads back to itself`
      : `there is neither an alias nor a user ${name}`;
  }
  const reasons = targets.map((target) => lostTarget(target, entries, users, [...path, key]));
  return reasons.some((reason) => reason === undefined)
    ? undefined
    : reasons.find((reason) => reason !== undefined);
}

/** The same for a recipient as an alias file spells it: a name, an address, a command, a file or a list. */
function lostTarget(
  target: string,
  entries: Entries,
  users: ReadonlySet<string>,
  path: readonly string[],
): string | undefined {
  const plain = /^"(.*)"$/.exec(target)?.[1] ?? target;
  if (plain === "/dev/null") return `${path.join(" -> ")} ends in /dev/null`;
  if (/^[|/]|^:include:/i.test(plain)) return undefined;
  const [, local, domain] = /^(.*)@([^@]*)$/.exec(plain) ?? [];
  if (local !== undefined && domain?.toLowerCase() !== "localhost") return undefined;
  return lost(local ?? plain, entries, users, path);
}

/** The names of passwd(5). */
export function userNames(passwd: string): ReadonlySet<string> {
  return new Set(passwd.split("\n").map((line) => line.split(":", 1)[0] ?? ""));
}
