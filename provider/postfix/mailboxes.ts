/** Where local(8) put a message, so that it can be looked for there and taken out again. */
import type { FactAnswers, HostReader } from "../host/host";
import { list, Look, lookAt, printed, probe, stat, user } from "../host/look";
import type { Delivery } from "./messageTrace";
import { PROGRAMS } from "./paths";
import { settings, type Settings } from "./postconf";

/** What main.cf says of mailboxes, and what was there before the message came. */
export interface Mailboxes {
  readonly settings: Settings;
  /** Names in the folder of mailboxes. */
  readonly spooled: readonly string[];
  /** Mailboxes in the homes of those whom the message may reach: is it there? */
  readonly home: Readonly<Record<string, boolean>>;
}

/** A mailbox to look into, or why there is none. */
export type Place =
  | {
      readonly kind: "mbox" | "maildir";
      readonly path: string;
      readonly user: string;
      readonly uid: number;
      readonly gid: number;
      readonly spool: boolean;
      readonly created: boolean;
    }
  | { readonly skip: string };

const NAMES = [
  "home_mailbox",
  "mail_spool_directory",
  "mailbox_delivery_lock",
  "recipient_delimiter",
  "alias_maps",
  "enable_original_recipient",
  "prepend_delivered_header",
] as const;

/** Looks before the message is sent: afterwards nobody can tell a mailbox that came with it from one that was empty. */
export async function lookAtMailboxes(host: HostReader, recipient: string): Promise<Mailboxes> {
  const found = await lookAt(host, settings(...NAMES));
  const inHome = found["home_mailbox"] ?? "";
  if (inHome === "") {
    const path = found["mail_spool_directory"] ?? "";
    const spooled = path.startsWith("/") ? await lookAt(host, list(path)) : null;
    return { settings: found, spooled: spooled ?? [], home: {} };
  }
  const users = await reachedBy(host, recipient.replace(/@.*$/, ""), found["alias_maps"] ?? "");
  const paths = users.map(({ home }) => `${home}/${inHome}`);
  const home = await lookAt(
    host,
    Look.each(paths, (path) => stat(path).map(({ type }) => type !== "absent")),
  );
  return { settings: found, spooled: [], home };
}

type User = NonNullable<FactAnswers["user"]>;

/** Local users whom a name reaches, by the alias tables: as far as these name users plainly. */
async function reachedBy(host: HostReader, name: string, maps: string): Promise<User[]> {
  const tables = maps.split(/[\s,]+/).filter((map) => map.startsWith("hash:"));
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

/** What an alias table says of a name, without the domains. */
function aliasTargets(name: string, table: string): Look<readonly string[]> {
  return probe([PROGRAMS.postalias, "-q", name, table]).map((answer) =>
    (printed(answer) ?? "").split(/[\s,]+/).map((text) => text.replace(/@.*$/, "")),
  );
}

/** What local(8) may have taken a recipient's name for: the whole of it, or what stands before the delimiter. */
function usersOf(delivery: Delivery, delimiters: string): readonly string[] {
  const local = delivery.to.replace(/@[^@]*$/, "").toLowerCase();
  const cut = Array.from(local).findIndex((letter, at) => at > 0 && delimiters.includes(letter));
  return cut < 0 ? [local] : [local, local.slice(0, cut)];
}

/** The mailbox that one delivery went to. */
export async function placeOf(
  host: HostReader,
  delivery: Delivery,
  { settings: found, spooled, home }: Mailboxes,
): Promise<Place> {
  const { relay, detail, to } = delivery;
  const how = /^delivered to (mailbox|maildir)/.exec(detail)?.[1];
  if (relay !== "local" || how === undefined)
    return { skip: `${relay} took it ("${detail}"), which is no mailbox of a local user` };
  const names = usersOf(delivery, found["recipient_delimiter"] ?? "");
  const known: Readonly<Record<string, FactAnswers["user"]>> = await lookAt(
    host,
    Look.each(names, user),
  );
  const name = names.find((one) => known[one] !== null);
  const owner = name === undefined ? undefined : known[name];
  if (name === undefined || !owner) return { skip: `there is no user of this host behind ${to}` };
  const inHome = found["home_mailbox"] ?? "";
  const spool = found["mail_spool_directory"] ?? "";
  const folder = inHome === "" ? spool : owner.home;
  if (!folder.startsWith("/") || folder.includes("$") || inHome.includes("$"))
    return { skip: `where main.cf puts it is not a plain path ("${inHome || spool}")` };
  const path = `${folder.replace(/\/+$/, "")}/${inHome === "" ? name : inHome}`;
  return {
    kind: how === "maildir" ? "maildir" : "mbox",
    path: path.replace(/\/+$/, ""),
    user: name,
    uid: owner.uid,
    gid: owner.gid,
    spool: inHome === "",
    created: inHome === "" ? !spooled.includes(name) : home[path] === false,
  };
}
