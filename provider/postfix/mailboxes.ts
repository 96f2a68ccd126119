/** Where local(8) put a message, so that it can be looked for there and taken out again. */
import type { FactAnswers, HostReader } from "../host/host";
import type { Delivery } from "./messageTrace";
import { parseSettings } from "./postconf";

/** What main.cf says of mailboxes, and what was there before the message came. */
export interface Mailboxes {
  readonly settings: Readonly<Record<string, string>>;
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
  const { conf } = await host.read({
    conf: { fact: "probe", argv: ["/usr/local/sbin/postconf", ...NAMES] },
  });
  const settings = "notFound" in conf ? {} : parseSettings(conf.stdout);
  const inHome = settings["home_mailbox"] ?? "";
  if (inHome === "") {
    const path = settings["mail_spool_directory"] ?? "";
    if (!path.startsWith("/")) return { settings, spooled: [], home: {} };
    const { spooled } = await host.read({ spooled: { fact: "list", path } });
    return { settings, spooled: spooled ?? [], home: {} };
  }
  const users = await reachedBy(host, recipient.replace(/@.*$/, ""), settings["alias_maps"] ?? "");
  const facts = Object.fromEntries(
    users.map(({ home }) => [
      `${home}/${inHome}`,
      { fact: "file", path: `${home}/${inHome}`, stat: true } as const,
    ]),
  );
  const answers = await host.read(facts);
  const home = Object.fromEntries(
    Object.entries(answers).map(([path, state]) => [path, state.type !== "absent"]),
  );
  return { settings, spooled: [], home };
}

type User = NonNullable<FactAnswers["user"]>;

/** Local users whom a name reaches, by the alias tables: as far as these name users plainly. */
async function reachedBy(host: HostReader, name: string, maps: string): Promise<User[]> {
  const tables = maps.split(/[\s,]+/).filter((map) => map.startsWith("hash:"));
  const seen = new Set([name]);
  let ask = [name];
  const users: User[] = [];
  for (let depth = 0; depth < 4 && ask.length > 0; depth += 1) {
    const answers = await host.read(
      Object.fromEntries(
        ask.flatMap((one) => [
          [`user ${one}`, { fact: "user", name: one } as const],
          ...tables.map((table): [string, { fact: "probe"; argv: string[] }] => [
            `alias ${one} ${table}`,
            { fact: "probe", argv: ["/usr/local/sbin/postalias", "-q", one, table] },
          ]),
        ]),
      ),
    );
    ask = [];
    for (const [key, answer] of Object.entries(answers)) {
      if (answer === null) continue;
      if (key.startsWith("user ")) {
        users.push(answer as User);
        continue;
      }
      const probe = answer as FactAnswers["probe"];
      if ("notFound" in probe) continue;
      for (const target of probe.stdout.split(/[\s,]+/).map((text) => text.replace(/@.*$/, "")))
        if (/^[\w.+-]+$/.test(target) && !seen.has(target)) {
          seen.add(target);
          ask.push(target);
        }
    }
  }
  return users;
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
  { settings, spooled, home }: Mailboxes,
): Promise<Place> {
  const { relay, detail, to } = delivery;
  const how = /^delivered to (mailbox|maildir)/.exec(detail)?.[1];
  if (relay !== "local" || how === undefined)
    return { skip: `${relay} took it ("${detail}"), which is no mailbox of a local user` };
  const names = usersOf(delivery, settings["recipient_delimiter"] ?? "");
  const answers = await host.read(
    Object.fromEntries(names.map((name) => [name, { fact: "user", name } as const])),
  );
  const user = names.find((name) => answers[name] !== null);
  const known = user === undefined ? null : (answers[user] ?? null);
  if (user === undefined || known === null)
    return { skip: `there is no user of this host behind ${to}` };
  const inHome = settings["home_mailbox"] ?? "";
  const spool = settings["mail_spool_directory"] ?? "";
  const folder = inHome === "" ? spool : known.home;
  if (!folder.startsWith("/") || folder.includes("$") || inHome.includes("$"))
    return { skip: `where main.cf puts it is not a plain path ("${inHome || spool}")` };
  const name = inHome === "" ? user : inHome;
  const path = `${folder.replace(/\/+$/, "")}/${name}`;
  return {
    kind: how === "maildir" ? "maildir" : "mbox",
    path: path.replace(/\/+$/, ""),
    user,
    uid: known.uid,
    gid: known.gid,
    spool: inHome === "",
    created: inHome === "" ? !spooled.includes(user) : home[path] === false,
  };
}
