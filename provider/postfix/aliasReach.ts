/** Whether somebody reads the mail of root and its like: guide 2.7, "ensure they are routed to the correct person". */

/** Names whose mail a person must read, by RFC 2142 and the guide. */
const MUST_REACH = ["root", "postmaster", "webmaster"] as const;

/** The targets of each alias, by its name in lower case. */
type Entries = ReadonlyMap<string, readonly string[]>;

/** For each name whose mail nobody would read, the reason as a sentence. */
export function unreached(entries: Entries, users: ReadonlySet<string>): readonly string[] {
  return MUST_REACH.flatMap((name) => {
    const reason = lossOf(name, entries, users, []);
    return reason === undefined ? [] : [`mail to ${name} reaches nobody: ${reason}.`];
  });
}

/** For each alias name that local(8) never looks up, because it looks up names without their domain, a sentence that says so. */
export function neverFound(names: readonly string[]): readonly string[] {
  return names
    .filter((name) => name.includes("@"))
    .map(
      (name) =>
        `the alias ${name} is never found: local(8) looks up names without their domain. Aliases of addresses stand in a table of virtual_alias_maps (LookupTable).`,
    );
}

/** Why mail to a local name is lost; `undefined` if somebody or something receives it. */
function lossOf(
  name: string,
  entries: Entries,
  users: ReadonlySet<string>,
  path: readonly string[],
): string | undefined {
  const key = name.toLowerCase();
  // A name that leads back to itself means the user of that name (aliases(5)); without such a user it is a loop.
  const targets = path.includes(key) ? undefined : entries.get(key);
  if (targets === undefined) {
    if (users.has(name)) return undefined;
    return path.includes(key)
      ? `${[...path, key].join(" -> ")} leads back to itself`
      : `there is neither an alias nor a user ${name}`;
  }
  const reasons = targets.map((target) => lossOfTarget(target, entries, users, [...path, key]));
  return reasons.some((reason) => reason === undefined)
    ? undefined
    : reasons.find((reason) => reason !== undefined);
}

/** Why mail to a target of an alias is lost: a name, an address, a command, a file or a list of them. */
function lossOfTarget(
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
  return lossOf(local ?? plain, entries, users, path);
}

/** The user names in the text of a passwd(5) file. */
export function userNames(passwd: string): ReadonlySet<string> {
  return new Set(passwd.split("\n").map((line) => line.split(":", 1)[0] ?? ""));
}
