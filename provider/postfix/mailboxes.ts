/** The mailbox to which local(8) has delivered a message, so that the message can be found there and removed again. */
import type { FactAnswers, HostReader } from "../host/host";
import { list, Look, lookAt, printed, probe, stat, user } from "../host/look";
import type { Delivery } from "./messageTrace";
import { PROGRAMS } from "./paths";
import { settings, type Settings } from "./postconf";
import { words } from "./values";

/** The settings of mailboxes, and the mailboxes that existed before the message was sent. */
export interface Mailboxes {
  readonly settings: Settings;
  /** The names in the folder of mailboxes (mail_spool_directory). */
  readonly spooled: readonly string[];
  /** With home_mailbox: whether a mailbox exists, for the paths of all users that the message may reach. */
  readonly home: Readonly<Record<string, boolean>>;
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
] as const;

/** To be called before the message is sent: later, a mailbox that it created looks like one that was empty before. */
export async function lookAtMailboxes(host: HostReader, recipient: string): Promise<Mailboxes> {
  const found = await lookAt(host, settings(...PARAMETERS));
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
function usersOf(delivery: Delivery, delimiters: string): readonly string[] {
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
  };
}
