/**
 * The store of virtual(8)'s mailboxes (the guide's page on virtual accounts): a folder, and the system user and group that
 * own it. Mail in it is more than its folder: nothing here removes a file that `discardMail` does not speak of.
 */
import {
  DEFAULT_ID,
  DEFAULT_MODE,
  DEFAULT_PATH,
  DEFAULT_USER,
  type MailStoreArgs,
  mailStoreArguments,
} from "../arguments/mailStore";
import type {
  Action,
  Failure,
  Holdings,
  Kind,
  Plan,
  PlanContext,
  RestoreContext,
} from "../contract/kind";
import {
  ACCOUNTS,
  type Accounts,
  groupadd,
  groupdel,
  type SystemUser,
  useradd,
  userdel,
} from "../host/accounts";
import { HostError } from "../host/errors";
import type { FileCount, FileStat, HostWriter } from "../host/host";
import { count, group, Look, lookAt, stat, user } from "../host/look";
import { runOrFail } from "../host/programs";
import type { Json, KeyEntry } from "../host/record";
import { RECORD } from "../host/recordLook";
import { equal, valueIn } from "../values/json";

/** The arguments, with those that `complete` fills in. */
interface Completed extends MailStoreArgs {
  /** What the host has, in words, such as "uid 901, gid 901, mode 0770". */
  readonly present?: Present;
}

interface Present {
  readonly folder: string;
  readonly user: string;
  readonly group: string;
}

/** The arguments with all their defaults. */
type Store = Required<Omit<MailStoreArgs, "mode">> & { readonly mode: number };

/** The numbers of a user. */
interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** The owner and the mode of a folder. */
interface Attributes extends Ids {
  readonly mode: number;
}

/** A folder of mailboxes: the wanted one, or a former one that is to be undone. */
interface Folder {
  readonly path: string;
  readonly state: FileStat;
  readonly mail: FileCount | null;
}

interface Observed {
  readonly folder: Folder;
  readonly parent: FileStat;
  /** Also of YP, in which no other look would find them. */
  readonly user: Ids | null;
  readonly group: { readonly gid: number } | null;
  readonly accounts: Accounts;
  /** Other folders of mailboxes, according to the record: former values of `path`, or those of other resources. */
  readonly others: readonly Folder[];
}

const COMMENT = "Virtual Mailbox Owner";

/** The keys of the record, each with the path or the name after it. */
const FOLDER = "mailboxes:";
const USER = "user:";
const GROUP = "group:";

function storeOf(args: MailStoreArgs): Store {
  const { path = DEFAULT_PATH, user = DEFAULT_USER, uid = DEFAULT_ID } = args;
  const { group = user, gid = uid, mode = DEFAULT_MODE, discardMail = false } = args;
  return { path, user, uid, group, gid, mode: parseInt(mode, 8), discardMail };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function inWords({ uid, gid, mode }: Attributes): string {
  return `uid ${uid}, gid ${gid}, mode ${octal(mode)}`;
}

/** A path in words; `undefined` where nothing is there. */
function typeOf(state: FileStat): string | undefined {
  if (state.type === "absent") return undefined;
  if (state.type === "directory") return inWords(state);
  return state.type === "symlink" ? `a link to ${state.target}` : "no folder";
}

function wantedPresence({ uid, gid, mode }: Store): Present {
  return {
    folder: inWords({ uid, gid, mode }),
    user: `uid ${uid}, gid ${gid}`,
    group: `gid ${gid}`,
  };
}

function parentOf(path: string): string {
  return path.replace(/\/[^/]+$/, "") || "/";
}

function folderAt(path: string): Look<Folder> {
  return Look.all({ path: Look.of(path), state: stat(path), mail: count(path) });
}

function look(args: Completed): Look<Observed> {
  const store = storeOf(args);
  return Look.all({
    folder: folderAt(store.path),
    parent: stat(parentOf(store.path)),
    user: user(store.user),
    group: group(store.group),
    accounts: ACCOUNTS,
    elsewhere: RECORD.map(({ keys }) =>
      Object.keys(keys)
        .filter((key) => key.startsWith(FOLDER) && key !== `${FOLDER}${store.path}`)
        .map((key) => key.slice(FOLDER.length)),
    ),
  }).andThen(({ elsewhere, ...found }) =>
    Look.each(elsewhere, folderAt).map((others) => ({ ...found, others: Object.values(others) })),
  );
}

/** Has the folder an owner and a mode that can be given back? */
function attributesOf(state: FileStat): Attributes | null {
  return state.type === "directory" ? { uid: state.uid, gid: state.gid, mode: state.mode } : null;
}

function jsonOf(value: Attributes | Ids | { readonly gid: number } | null): Json {
  return value === null ? null : { ...value };
}

function owns(observed: Observed, args: Completed): Holdings {
  const { path, user, uid, group, gid, mode } = storeOf(args);
  const { folder, user: found, group: foundGroup } = observed;
  return {
    claims: [
      {
        key: `${GROUP}${group}`,
        before: foundGroup === null ? null : { gid: foundGroup.gid },
        applied: { gid },
      },
      {
        key: `${USER}${user}`,
        before: found === null ? null : { uid: found.uid, gid: found.gid },
        applied: { uid, gid },
      },
      {
        key: `${FOLDER}${path}`,
        before: jsonOf(attributesOf(folder.state)),
        applied: { uid, gid, mode },
      },
    ],
    files: {},
  };
}

/** Is a thing on the host as a resource has made it: last, or before a change that is not settled? */
function isAsApplied(found: Json, { applied, unsettled = [] }: KeyEntry): boolean {
  return [applied, ...unsettled].some((value) => equal(value, found));
}

/** Is the key of a thing that was not there before? */
function isMade(entry: KeyEntry | undefined): entry is KeyEntry {
  return entry?.before === null;
}

/** A part of a plan: what is to be done, or why it cannot be. */
interface Part {
  readonly changes: readonly Action[];
  readonly obstacles: readonly Failure[];
}

const NOTHING: Part = { changes: [], obstacles: [] };

function obstacle(path: string, reason: string): Part {
  return { changes: [], obstacles: [{ path, reason }] };
}

/** An action that is a program, run unless the host is already as it is to leave it. */
function program(
  text: string,
  argv: readonly string[],
  isDone: (host: HostWriter) => Promise<boolean>,
): Action {
  const shown = argv.map((word) => (/^[\w./=-]+$/.test(word) ? word : `'${word}'`)).join(" ");
  return {
    change: "act",
    text: `${text}: ${shown}`,
    act: async (host) => {
      if (!(await isDone(host))) await runOrFail(host, text, { argv });
    },
  };
}

const hasUser =
  (name: string, wanted: boolean) =>
  async (host: HostWriter): Promise<boolean> =>
    ((await lookAt(host, user(name))) !== null) === wanted;

const hasGroup =
  (name: string, wanted: boolean) =>
  async (host: HostWriter): Promise<boolean> =>
    ((await lookAt(host, group(name))) !== null) === wanted;

function addingUser(wanted: SystemUser): Action {
  return program(`add the user ${wanted.name}`, useradd(wanted), hasUser(wanted.name, true));
}

function removingUser(name: string): Action {
  return program(`remove the user ${name}`, userdel(name), hasUser(name, false));
}

function addingGroup(name: string, gid: number): Action {
  return program(`add the group ${name}`, groupadd(name, gid), hasGroup(name, true));
}

function removingGroup(name: string): Action {
  return program(`remove the group ${name}`, groupdel(name), hasGroup(name, false));
}

function owning(text: string, path: string, { uid, gid, mode }: Attributes): Action {
  return {
    change: "act",
    text,
    places: [{ path, entry: true }],
    act: (host) => host.makeDirectory(path, mode, uid, gid),
  };
}

/** Mail in words: "12 files in 3 maildirs". */
function amount({ files, maildirs, more }: FileCount): string {
  const many = `${more ? "more than " : ""}${files} ${files === 1 && !more ? "file" : "files"}`;
  if (maildirs === 0) return many;
  return `${many} in ${more ? "at least " : ""}${maildirs} ${maildirs === 1 ? "maildir" : "maildirs"}`;
}

/** Is there mail in a folder, or so much in it that nobody knows? */
function hasMail({ mail }: Folder): boolean {
  return mail !== null && (mail.files > 0 || mail.more);
}

/** Why a folder with mail stays, and the ways out. */
function refusal({ path, mail }: Folder): string {
  return [
    `${path} still holds mail: ${mail === null ? "" : amount(mail)}.`,
    "Nothing of it is removed unless the program says so. Either move the mail elsewhere;",
    "or set `discardMail: true`, run `pulumi up`, and try again: then the folder goes with all mail in it;",
    "or take the resource out of the state and leave all as it is (`retainOnDelete`, or `pulumi state delete`).",
  ].join(" ");
}

function removingFolder(folder: Folder, discardMail: boolean): Action {
  const { path, mail } = folder;
  const what = hasMail(folder) && mail !== null ? ` with the mail in it (${amount(mail)})` : "";
  return {
    change: "act",
    text: `remove ${path}${what}`,
    places: [{ path, entry: true }],
    act: async (host) => {
      if (await host.removeFolder(path, discardMail)) return;
      const now = await lookAt(host, folderAt(path));
      throw new HostError("refused", {
        host: host.address,
        during: `removing ${path}`,
        reason: `mail has come since it was looked at. ${refusal(now)}`,
        changed: "unknown",
        next: "Run the same again after one of these.",
      });
    },
  };
}

/** The part of a plan that undoes a folder: removes one that the step has made, or gives it its former attributes back. */
function undoFolder(
  folder: Folder,
  keys: RestoreContext["keys"],
  discardMail: boolean,
  warn: (text: string) => void = () => undefined,
): Part {
  const { path, state } = folder;
  const entry = keys.find(([key]) => key === `${FOLDER}${path}`)?.[1];
  if (entry === undefined || state.type === "absent") return NOTHING;
  const now = attributesOf(state);
  if (now === null) {
    warn(`${path} is ${typeOf(state) ?? "gone"} by now, and is left as it is.`);
    return NOTHING;
  }
  if (isMade(entry)) {
    if (hasMail(folder) && !discardMail) return obstacle("discardMail", refusal(folder));
    return { changes: [removingFolder(folder, discardMail)], obstacles: [] };
  }
  const { before } = entry;
  if (equal(before, now)) return NOTHING;
  if (!isAsApplied(jsonOf(now), entry)) {
    warn(
      `${path}: its owner or mode was changed by somebody else meanwhile, and is left as it is.`,
    );
    return NOTHING;
  }
  const [uid, gid, mode] = ["uid", "gid", "mode"].map((name) => Number(valueIn(before, name)));
  const former = { uid: uid ?? 0, gid: gid ?? 0, mode: mode ?? 0o755 };
  const text = `give ${path} its former owner and mode back (${inWords(former)})`;
  return { changes: [owning(text, path, former)], obstacles: [] };
}

/** The names of the accounts that an instance has made, among its keys. */
function namesOf(keys: RestoreContext["keys"], prefix: string): (readonly [string, KeyEntry])[] {
  return keys.flatMap(([key, entry]) =>
    key.startsWith(prefix) && isMade(entry) ? [[key.slice(prefix.length), entry] as const] : [],
  );
}

/** The actions that remove users and groups which the step has made, as far as they are as it made them. */
function undoAccounts(
  { users, groups }: Accounts,
  keys: RestoreContext["keys"],
  warn: (text: string) => void = () => undefined,
): Action[] {
  const gone = new Set<string>();
  const removed = namesOf(keys, USER).flatMap(([name, entry]) => {
    const found = users.find((one) => one.name === name);
    if (found === undefined) return [];
    const { uid, gid } = found;
    if (!isAsApplied({ uid, gid }, entry)) {
      warn(`the user ${name} was changed by somebody else meanwhile, and is left as it is.`);
      return [];
    }
    gone.add(name);
    return [removingUser(name)];
  });
  const removedGroups = namesOf(keys, GROUP).flatMap(([name, entry]) => {
    const found = groups.find((one) => one.name === name);
    if (found === undefined) return [];
    const { gid, members } = found;
    const needed = [...members, ...users.flatMap((one) => (one.gid === gid ? [one.name] : []))];
    const others = needed.filter((one) => !gone.has(one));
    const isOurs = isAsApplied({ gid }, entry);
    if (!isOurs) warn(`the group ${name} was changed by somebody else meanwhile, and is left.`);
    else if (others.length > 0) warn(`the group ${name} stays: ${others.join(", ")} is in it.`);
    return isOurs && others.length === 0 ? [removingGroup(name)] : [];
  });
  return [...removed, ...removedGroups];
}

/** Which accounts go before new ones come: their names and numbers are free then. */
interface Going {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** Does the resource's own user, or group, have the numbers of former arguments? Then it is made anew. */
function isFormer(
  found: Ids | { readonly gid: number } | null,
  wanted: Json,
  entry: KeyEntry | undefined,
): boolean {
  return (
    found !== null &&
    isMade(entry) &&
    !equal(jsonOf(found), wanted) &&
    isAsApplied(jsonOf(found), entry)
  );
}

/** Why the host cannot have the user and the group. */
function accountObstacles(
  observed: Observed,
  { user, uid, group, gid }: Store,
  going: Going,
): Failure[] {
  const { accounts, user: found, group: foundGroup } = observed;
  const failures: Failure[] = [];
  if (foundGroup !== null && foundGroup.gid !== gid && !going.groups.includes(group))
    failures.push({
      path: "group",
      reason: `the group ${group} of this host has the gid ${foundGroup.gid}, not ${gid}: give that \`gid\`, or another \`group\`.`,
    });
  if (found !== null && (found.uid !== uid || found.gid !== gid) && !going.users.includes(user))
    failures.push({
      path: "user",
      reason: `the user ${user} of this host has the uid ${found.uid} and the login group ${found.gid}, not ${uid} and ${gid}: give these as \`uid\` and \`gid\`, or another \`user\`.`,
    });
  const holder = accounts.users.find(
    (one) => one.uid === uid && one.name !== user && !going.users.includes(one.name),
  );
  if (holder !== undefined)
    failures.push({
      path: "uid",
      reason: `uid ${uid} is ${holder.name}'s on this host: give another \`uid\`, or \`user: ${JSON.stringify(holder.name)}\` if that one is to own the mailboxes.`,
    });
  const other = accounts.groups.find(
    (one) => one.gid === gid && one.name !== group && !going.groups.includes(one.name),
  );
  if (other !== undefined)
    failures.push({
      path: "gid",
      reason: `gid ${gid} is the group ${other.name}'s on this host: give another \`gid\`, or \`group: ${JSON.stringify(other.name)}\`.`,
    });
  return failures;
}

/** Why the host cannot have the folder. */
function folderObstacles(
  { folder, parent, accounts }: Observed,
  { path, user, uid, gid }: Store,
  { record, owner, coming }: PlanContext,
  isRenumbered: boolean,
): Failure[] {
  const { state, mail } = folder;
  const above = parentOf(path);
  const at = (reason: string): Failure[] => [{ path: "path", reason }];
  if (state.type === "absent") {
    const isThere = parent.type === "directory" || parent.type === "symlink";
    return isThere || coming(path)
      ? []
      : at(
          `there is no folder ${above} on this host, in which ${path} could be made: make it first, as root's.`,
        );
  }
  if (state.type !== "directory")
    return at(
      `${path} on this host is ${state.type === "symlink" ? `a link to ${state.target}` : "no folder"}: move it away, or give the \`path\` of a folder.`,
    );
  if (isRenumbered && hasMail(folder))
    return [
      {
        path: "uid",
        reason: `${path} holds mail (${mail === null ? "" : amount(mail)}) that belongs to uid ${state.uid} and gid ${state.gid}, and virtual(8) could not deliver to it as uid ${uid} and gid ${gid}. Leave \`uid\` and \`gid\` as they were; or move the mail away, run \`pulumi up\`, and move it back with its new owner (chown -R).`,
      },
    ];
  // Once it is ours, another owner is drift. Before that, a folder of a user is that user's.
  const isClaimed = record.keys[`${FOLDER}${path}`]?.owner.instance === owner.instance;
  const holder = accounts.users.find((one) => one.uid === state.uid);
  if (!isClaimed && state.uid !== 0 && state.uid !== uid && holder !== undefined)
    return at(
      `${path} on this host belongs to ${holder.name}, who would lose it to ${user}. Give another \`path\`; or give the folder to root first, if it is to be the mailboxes'.`,
    );
  return [];
}

/** The action that makes the folder, or gives it its owner and mode; none where it has them. */
function folderActions({ folder }: Observed, store: Store): Action[] {
  const { path, user, group, uid, gid, mode } = store;
  const wanted = { uid, gid, mode };
  const owner = `${user}:${group}, mode ${octal(mode)}`;
  const now = attributesOf(folder.state);
  if (now === null) return [owning(`make the folder ${path} (${owner})`, path, wanted)];
  if (equal(now, wanted)) return [];
  return [owning(`give ${path} to ${owner} (now ${inWords(now)})`, path, wanted)];
}

function plan(observed: Observed, args: Completed, context: PlanContext): Plan {
  const store = storeOf(args);
  const { user, uid, group, gid, discardMail } = store;
  const { folder, accounts, others } = observed;
  const { dropped } = context;
  const keyOf = (key: string): KeyEntry | undefined => {
    const entry = context.record.keys[key];
    return entry?.owner.instance === context.owner.instance ? entry : undefined;
  };
  const former = {
    user: isFormer(idsOf(observed.user), { uid, gid }, keyOf(`${USER}${user}`)),
    group: isFormer(observed.group, { gid }, keyOf(`${GROUP}${group}`)),
  };
  const going: Going = {
    users: [...namesOf(dropped, USER).map(([name]) => name), ...(former.user ? [user] : [])],
    groups: [...namesOf(dropped, GROUP).map(([name]) => name), ...(former.group ? [group] : [])],
  };
  const isRenumbered =
    attributesOf(folder.state) !== null &&
    keyOf(`${FOLDER}${store.path}`) !== undefined &&
    !hasNumbers(keyOf(`${FOLDER}${store.path}`), { uid, gid });
  const formerFolders = others.map((one) => undoFolder(one, dropped, discardMail));
  const obstacles = [
    ...accountObstacles(observed, store, going),
    ...folderObstacles(observed, store, context, isRenumbered),
    ...nested(others, dropped, store.path),
    ...formerFolders.flatMap((part) =>
      part.obstacles.map(({ reason }) => ({ path: "path", reason })),
    ),
  ];
  if (obstacles.length > 0) return { changes: [], obstacles };
  const changes = [
    ...undoAccounts(accounts, dropped),
    ...(former.user ? [removingUser(user)] : []),
    ...(former.group ? [removingGroup(group)] : []),
    ...(observed.group === null || former.group ? [addingGroup(group, gid)] : []),
    ...(observed.user === null || former.user
      ? [addingUser({ name: user, uid, group, comment: COMMENT })]
      : []),
    ...folderActions(observed, store),
    ...formerFolders.flatMap((part) => part.changes),
  ];
  const isComing = folder.state.type === "absent";
  return { changes, brings: isComing ? [store.path, `${store.path}/`] : [] };
}

/** Why a former folder cannot go once the folder above it belongs to the owner of the mailboxes. */
function nested(
  others: readonly Folder[],
  dropped: PlanContext["dropped"],
  path: string,
): Failure[] {
  return others.flatMap((one) =>
    one.path.startsWith(`${path}/`) && dropped.some(([key]) => key === `${FOLDER}${one.path}`)
      ? [
          {
            path: "path",
            reason: `${path} is above ${one.path}, the folder until now: give a path beside it.`,
          },
        ]
      : [],
  );
}

function idsOf(found: Ids | null): Ids | null {
  return found === null ? null : { uid: found.uid, gid: found.gid };
}

/** Did the resource give its folder to these numbers, last or before a change that is not settled? */
function hasNumbers(entry: KeyEntry | undefined, { uid, gid }: Ids): boolean {
  const all = entry === undefined ? [] : [entry.applied, ...(entry.unsettled ?? [])];
  return all.some((one) => valueIn(one, "uid") === uid && valueIn(one, "gid") === gid);
}

function restore(observed: Observed, args: Completed, context: RestoreContext): Plan {
  const { keys, warn } = context;
  const { discardMail } = storeOf(args);
  const folders = [observed.folder, ...observed.others];
  const parts = folders.map((folder) => undoFolder(folder, keys, discardMail, warn));
  const obstacles = parts.flatMap((part) => part.obstacles);
  if (obstacles.length > 0) return { changes: [], obstacles };
  const accounts = undoAccounts(observed.accounts, keys, warn);
  if (accounts.length > 0)
    for (const { path, mail } of folders.filter((one) => staysWithMail(one, keys)))
      warn(
        `${path} was there before and stays, with ${mail === null ? "mail" : amount(mail)}: their owner is gone.`,
      );
  return { changes: [...parts.flatMap((part) => part.changes), ...accounts] };
}

/** Is it a folder with mail that was there before? The next user may get the number to which the mail belongs. */
function staysWithMail(folder: Folder, keys: RestoreContext["keys"]): boolean {
  const entry = keys.find(([key]) => key === `${FOLDER}${folder.path}`)?.[1];
  return entry !== undefined && !isMade(entry) && hasMail(folder);
}

export const mailStore: Kind<Completed, Observed> = {
  name: "MailStore",
  subject: (args) => storeOf(args).path.slice(1),
  arguments: mailStoreArguments,
  complete: (args) => {
    const store = storeOf(args);
    const { path, user, uid, group, gid } = store;
    const mode = args.mode ?? DEFAULT_MODE;
    return { ...args, path, user, uid, group, gid, mode, present: wantedPresence(store) };
  },
  look,
  live: ({ folder, user: found, group: foundGroup }) => ({
    present: {
      folder: typeOf(folder.state) ?? "missing",
      user: found === null ? "missing" : `uid ${found.uid}, gid ${found.gid}`,
      group: foundGroup === null ? "missing" : `gid ${foundGroup.gid}`,
    },
  }),
  outputs: () => ({}),
  owns,
  plan,
  restore,
};
