/**
 * The mailbox to which local(8) or virtual(8) has delivered a message, so that the message can be found there and removed
 * again.
 */
import type { FactAnswers, HostReader } from "../host/host";
import { list, Look, lookAt, printed, probe, stat, user } from "../host/look";
import type { Delivery } from "./messageTrace";
import { PROGRAMS } from "./paths";
import { settings, type Settings } from "./postconf";
import { expand, references, words } from "./values";

/** The settings of mailboxes, and the mailboxes that existed before the message was sent. */
export interface Mailboxes {
  readonly settings: Settings;
  /** The names in the folder of mailboxes (mail_spool_directory). */
  readonly spooled: readonly string[];
  /** With home_mailbox: whether a mailbox exists, for the paths of all users that the message may reach. */
  readonly home: Readonly<Record<string, boolean>>;
  /** Whether the virtual mailbox exists that the recipient itself has, by its path. */
  readonly virtual: Readonly<Record<string, boolean>>;
  /** Does the recipient belong to this host: is it a local user, or in one of the domains that this host delivers? */
  readonly here: boolean;
}

/** A mailbox, or the reason why there is none to look into. */
export type Place =
  | {
      readonly kind: "mbox" | "maildir";
      readonly path: string;
      readonly user: string;
      readonly uid: number;
      readonly gid: number;
      /** Is it in the folder of mailboxes, and not in the user's home? */
      readonly spool: boolean;
      /** Did it not exist before the message was sent? */
      readonly created: boolean;
      /** How Postfix locks it, by main.cf. */
      readonly locks: string;
    }
  | { readonly skip: string };

const PARAMETERS = [
  "home_mailbox",
  "mail_spool_directory",
  "mailbox_delivery_lock",
  "recipient_delimiter",
  "alias_maps",
  "enable_original_recipient",
  "prepend_delivered_header",
  "mydestination",
  "virtual_mailbox_domains",
  "virtual_mailbox_base",
  "virtual_mailbox_maps",
  "virtual_mailbox_lock",
  "virtual_uid_maps",
  "virtual_gid_maps",
  // What the values of these mostly refer to.
  "config_directory",
  "default_database_type",
  "mydomain",
  "myhostname",
] as const;

/** To be called before the message is sent: later, a mailbox that it created looks like one that was empty before. */
export async function lookAtMailboxes(host: HostReader, recipient: string): Promise<Mailboxes> {
  const found = await lookAt(host, settings(...PARAMETERS));
  const box = recipient.includes("@") ? await virtualBoxOf(host, recipient, found) : undefined;
  const paths = box === undefined || "skip" in box ? [] : [box.path];
  const virtual = await lookAt(host, Look.each(paths, isThere));
  const here = await isHere(host, recipient, found);
  return { ...(await localMailboxes(host, recipient, found)), virtual, here };
}

function isThere(path: string): Look<boolean> {
  return stat(path).map(({ type }) => type !== "absent");
}

async function localMailboxes(
  host: HostReader,
  recipient: string,
  found: Settings,
): Promise<Pick<Mailboxes, "settings" | "spooled" | "home">> {
  const inHome = found["home_mailbox"] ?? "";
  if (inHome === "") {
    const path = found["mail_spool_directory"] ?? "";
    const spooled = path.startsWith("/") ? await lookAt(host, list(path)) : null;
    return { settings: found, spooled: spooled ?? [], home: {} };
  }
  const users = await reachedBy(host, recipient.replace(/@.*$/, ""), found["alias_maps"] ?? "");
  const paths = users.map(({ home }) => `${home}/${inHome}`);
  const home = await lookAt(host, Look.each(paths, isThere));
  return { settings: found, spooled: [], home };
}

/** The value of a parameter; `undefined` where it refers to others than were asked. */
function valueOf(name: string, found: Settings): string | undefined {
  const value = found[name] ?? "";
  return references(value).every((one) => found[one.name] !== undefined)
    ? expand(value, (one) => found[one])
    : undefined;
}

/** The first answer that tables have for one of the keys, tried in their order (postmap(1)); `undefined` for none. */
async function lookedUp(
  host: HostReader,
  keys: readonly string[],
  maps: string,
): Promise<string | undefined> {
  const tables = words(maps);
  const answers: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> =
    await lookAt(
      host,
      Look.each(keys, (key) =>
        Look.each(tables, (table) =>
          probe([PROGRAMS.postmap, "-q", key, table]).map((answer) => printed(answer)?.trim()),
        ),
      ),
    );
  for (const key of keys)
    for (const table of tables) {
      const answer = answers[key]?.[table];
      if (answer !== undefined && answer !== "") return answer;
    }
  return undefined;
}

/** Is a recipient one of this host? A name without a domain is a local user. */
async function isHere(host: HostReader, recipient: string, found: Settings): Promise<boolean> {
  const domain = recipient.includes("@") ? recipient.replace(/^.*@/, "").toLowerCase() : "";
  if (domain === "" || domain === "localhost") return true;
  const all = ["mydestination", "virtual_mailbox_domains"].flatMap((name) =>
    words(valueOf(name, found) ?? ""),
  );
  if (all.some((one) => one.toLowerCase() === domain)) return true;
  const tables = all.filter((one) => /^[a-z]+:/.test(one));
  return (await lookedUp(host, [domain], tables.join(" "))) !== undefined;
}

/** A virtual mailbox, or the reason why it cannot be looked into. */
type VirtualBox =
  | {
      readonly kind: "mbox" | "maildir";
      readonly path: string;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly skip: string };

/** The mailbox that virtual(8) has for an address by the tables of main.cf; `undefined` where it has none. */
async function virtualBoxOf(
  host: HostReader,
  address: string,
  found: Settings,
): Promise<VirtualBox | undefined> {
  const [base, maps, uids, gids] = [
    "virtual_mailbox_base",
    "virtual_mailbox_maps",
    "virtual_uid_maps",
    "virtual_gid_maps",
  ].map((name) => valueOf(name, found));
  if (maps === "") return undefined;
  if (base === undefined || maps === undefined || uids === undefined || gids === undefined)
    return { skip: "the parameters of virtual mailboxes in main.cf refer to others" };
  const domain = address.replace(/^.*@/, "").toLowerCase();
  const users = usersOf({ to: address }, found["recipient_delimiter"] ?? "");
  const keys = [...users.map((name) => `${name}@${domain}`), `@${domain}`];
  const box = await lookedUp(host, keys, maps);
  if (box === undefined) return undefined;
  const path = `${base}/${box}`;
  if (!path.startsWith("/") || /(^|\/)\.\.(\/|$)/.test(path))
    return { skip: `its mailbox by virtual_mailbox_maps is not a plain path ("${path}")` };
  const [uid, gid] = [await lookedUp(host, keys, uids), await lookedUp(host, keys, gids)].map(
    (id) => (/^\d+$/.test(id ?? "") ? Number(id) : undefined),
  );
  if (uid === undefined || gid === undefined)
    return { skip: `virtual_uid_maps and virtual_gid_maps do not say who owns ${path}` };
  // As root, a link in the mailbox could lead anywhere. virtual(8) refuses such an owner, too (virtual_minimum_uid).
  if (uid === 0 || gid === 0) return { skip: `${path} would be root's by virtual_uid_maps` };
  return {
    kind: path.endsWith("/") ? "maildir" : "mbox",
    path: path.replace(/\/{2,}/g, "/").replace(/\/$/, ""),
    ...{ uid, gid },
  };
}

/** The place of a delivery by virtual(8). */
async function virtualPlace(
  host: HostReader,
  { to }: Delivery,
  { settings: found, virtual }: Mailboxes,
): Promise<Place> {
  const box = await virtualBoxOf(host, to, found);
  if (box === undefined) return { skip: `virtual_mailbox_maps has no mailbox for ${to}` };
  if ("skip" in box) return box;
  return {
    ...box,
    user: `uid ${box.uid}`,
    spool: false,
    created: virtual[box.path] === false,
    locks: found["virtual_mailbox_lock"] ?? "",
  };
}

type User = NonNullable<FactAnswers["user"]>;

/** The local users that mail to a name reaches by the alias tables; targets other than plain names are not followed. */
async function reachedBy(host: HostReader, name: string, maps: string): Promise<User[]> {
  const tables = words(maps).filter((map) => map.startsWith("hash:"));
  const seen = new Set([name]);
  let ask = [name];
  const users: User[] = [];
  for (let depth = 0; depth < 4 && ask.length > 0; depth += 1) {
    const found = await lookAt(
      host,
      Look.each(ask, (one) =>
        Look.all({
          user: user(one),
          targets: Look.each(tables, (table) => aliasTargets(one, table)),
        }),
      ),
    );
    ask = [];
    for (const { user: known, targets } of Object.values(found)) {
      if (known !== null) users.push(known);
      for (const target of Object.values(targets).flat())
        if (/^[\w.+-]+$/.test(target) && !seen.has(target)) {
          seen.add(target);
          ask.push(target);
        }
    }
  }
  return users;
}

/** The targets that an alias table has for a name, without their domains. */
function aliasTargets(name: string, table: string): Look<readonly string[]> {
  return probe([PROGRAMS.postalias, "-q", name, table]).map((answer) =>
    (printed(answer) ?? "").split(/[\s,]+/).map((text) => text.replace(/@.*$/, "")),
  );
}

/** The user names that a recipient may mean to local(8): the whole local part, or what stands before the delimiter. */
function usersOf(delivery: Pick<Delivery, "to">, delimiters: string): readonly string[] {
  const local = delivery.to.replace(/@[^@]*$/, "").toLowerCase();
  const delimiter = Array.from(local).findIndex(
    (letter, at) => at > 0 && delimiters.includes(letter),
  );
  return delimiter < 0 ? [local] : [local, local.slice(0, delimiter)];
}

/** The mailbox to which one delivery went. */
export async function placeOf(
  host: HostReader,
  delivery: Delivery,
  mailboxes: Mailboxes,
): Promise<Place> {
  const { relay, agent, detail, to } = delivery;
  const { settings: found, spooled, home } = mailboxes;
  const how = /^delivered to (mailbox|maildir)/.exec(detail)?.[1];
  if (agent === "virtual" && how !== undefined) return virtualPlace(host, delivery, mailboxes);
  if (relay !== "local" || how === undefined)
    return { skip: `${relay} took it ("${detail}"), which is no mailbox of a local user` };
  const names = usersOf(delivery, found["recipient_delimiter"] ?? "");
  const known: Readonly<Record<string, FactAnswers["user"]>> = await lookAt(
    host,
    Look.each(names, user),
  );
  const name = names.find((one) => known[one] !== null);
  const owner = name === undefined ? undefined : known[name];
  if (name === undefined || !owner)
    return { skip: `no user of this host receives the mail to ${to}` };
  const inHome = found["home_mailbox"] ?? "";
  const spool = found["mail_spool_directory"] ?? "";
  const folder = inHome === "" ? spool : owner.home;
  if (!folder.startsWith("/") || folder.includes("$") || inHome.includes("$"))
    return { skip: `its mailbox is not a plain path in main.cf ("${inHome || spool}")` };
  const path = `${folder.replace(/\/+$/, "")}/${inHome === "" ? name : inHome}`;
  return {
    kind: how === "maildir" ? "maildir" : "mbox",
    path: path.replace(/\/+$/, ""),
    user: name,
    uid: owner.uid,
    gid: owner.gid,
    spool: inHome === "",
    created: inHome === "" ? !spooled.includes(name) : home[path] === false,
    locks: found["mailbox_delivery_lock"] ?? "",
  };
}
