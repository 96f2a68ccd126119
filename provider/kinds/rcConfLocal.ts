/** Guide 2.5 and 3.1: /etc/rc.conf.local, which decides what starts at boot and where syslogd listens. */
import { type RcConfLocalArgs, rcConfLocalArguments } from "../arguments/rcConfLocal";
import {
  claimKeyedFile,
  type KeyedFile,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../contract/keyedFile";
import { type KeyedText, keyedText as keyedTextOf } from "../contract/keyedText";
import type { Change, Failure, JudgeContext, Kind, Plan } from "../contract/kind";
import { textAfter } from "../contract/plans";
import { decodeUtf8, FormatError } from "../formats/bytes";
import * as rcConfText from "../formats/rcConfLocal";
import { containsWords } from "../formats/words";
import { contentsOf, type FileStat, type FileState } from "../host/host";
import { file, Look, stat } from "../host/look";
import { runOrFail } from "../host/programs";
import { type HostRecord, type Json } from "../host/record";
import { RECORD } from "../host/recordLook";
import type { Platform } from "../openbsd/platform";
import { PROGRAMS, QUEUE } from "../postfix/paths";
import { isUnknown, processesOf } from "../postfix/processes";
import { mapValues } from "../values/json";

interface Observed {
  readonly file: FileState;
  /** /etc/rc.conf, whose values rc.conf.local changes. */
  readonly defaults: FileState;
  /** The folder of the chroot's log socket, and the socket. */
  readonly socketFolder: FileStat;
  readonly socket: FileStat;
  /** The flags of the running syslogd; `undefined` where the arguments set none of them, or ps(1) does not show them. */
  readonly syslogd: string | undefined;
  /** The wanted scripts in /etc/rc.d, by their names. */
  readonly scripts: Readonly<Record<string, FileStat>>;
  /** The program postfix(1), which tells whether Postfix is installed. */
  readonly postfix: FileStat;
  readonly record: HostRecord;
}

const PATH = "/etc/rc.conf.local";
const SYSLOGD_FLAGS = "syslogd_flags";
const SOCKET_FOLDER = `${QUEUE}/dev`;
const SOCKET = `${SOCKET_FOLDER}/log`;
const SOCKET_FLAG = `-a ${SOCKET}`;

function scriptPath(name: string): string {
  return `/etc/rc.d/${name}`;
}

/** The value of a variable in rc.conf, with which its first entry in rc.conf.local starts. */
type Inherited = (name: string) => string;

/** The values of rc.conf; "" for a value that only a shell could tell. */
function inheritedIn(defaults: FileState, { rcConfSyntax }: Platform): Inherited {
  // Left out: the line with which rc.conf sources rc.conf.local, after which no value would be certain (docs/openbsd.md 4.1).
  const text = (contentsOf(defaults) ?? "").replace(/^.*\blocal_rcconf\b.*\n?/gm, "");
  return (name) => {
    const value = rcConfText.get(text, name, rcConfSyntax);
    return typeof value === "string" ? value : "";
  };
}

/** What a key names: a variable (`variable:NAME`), or words in one (`flag:VARIABLE:WORDS`, `script:NAME`). */
type Named = { readonly is: "variable"; readonly name: string } | NamedWords;

interface NamedWords {
  readonly is: "flag" | "script";
  readonly variable: string;
  readonly words: string;
}

function parseKey(key: string): Named {
  const [is = "", name = "", ...rest] = key.split(":");
  switch (is) {
    case "flag":
      return { is, variable: name, words: rest.join(":") };
    case "script":
      return { is, variable: "pkg_scripts", words: name };
    default:
      return { is: "variable", name };
  }
}

/** Why the release has no use for pkg_scripts; `undefined` where it reads that variable. */
function noPackageScripts({ release, packageDaemons }: Platform): string | undefined {
  if (packageDaemons === "pkg_scripts") return undefined;
  return packageDaemons === "none"
    ? `OpenBSD ${release} starts no daemons of packages by name; /etc/rc.local can`
    : `OpenBSD ${release} does not read pkg_scripts but ${packageDaemons}: set that, as a whole, in \`variables\``;
}

const WITHOUT_SOCKET =
  'Without a log socket: `logSocket: false`; with one, syslogd must run: `variables: { syslogd_flags: "" }`';

/** A key's value: that of the variable, or `true` where the variable contains the words. */
type Value = string | true | { readonly unreadable: string };

type SavedVariable = ReturnType<typeof rcConfText.save>;
type SavedWords = ReturnType<typeof rcConfText.saveWords>;

/** The format of the file on a release: a key is a variable, or words in one. */
export function keyedText(platform: Platform, inherited: Inherited = () => ""): KeyedText {
  const syntax = platform.rcConfSyntax;
  const inVariable = wordsFormat(platform, inherited);
  return keyedTextOf<Value, SavedVariable | SavedWords>({
    kind: "RcConfLocal",
    get: (text, key) => {
      const named = parseKey(key);
      if (named.is === "variable") return rcConfText.get(text, named.name, syntax);
      return inVariable.has(text, named) ? true : undefined;
    },
    set: (text, key, value) => {
      const named = parseKey(key);
      if (named.is !== "variable") return inVariable.add(text, named);
      return rcConfText.set(text, named.name, typeof value === "string" ? value : "", syntax);
    },
    remove: (text, key) => {
      const named = parseKey(key);
      if (named.is !== "variable") return inVariable.remove(text, named);
      return rcConfText.remove(text, named.name, syntax);
    },
    save: (text, key) => {
      const named = parseKey(key);
      if (named.is !== "variable") return inVariable.save(text, named);
      return rcConfText.save(text, named.name, syntax);
    },
    undo: (text, key, saved) => {
      const named = parseKey(key);
      // A key gets back what was saved of it, so the type of `saved` is that of the key.
      if (named.is !== "variable") return inVariable.undo(text, named, saved as SavedWords);
      return rcConfText.undo(text, named.name, saved as SavedVariable, syntax);
    },
  });
}

/** The format of words in a variable. */
function wordsFormat(platform: Platform, inherited: Inherited) {
  const syntax = platform.rcConfSyntax;
  const has = (text: string, { variable, words }: NamedWords): boolean =>
    rcConfText.hasWords(text, variable, words, syntax, inherited(variable));
  return {
    has,
    add: (text: string, named: NamedWords): string => {
      const { is, variable, words } = named;
      const problem = is === "script" && !has(text, named) ? noPackageScripts(platform) : undefined;
      if (problem !== undefined) throw new FormatError(problem);
      return withWayOut(words, () =>
        rcConfText.addWords(text, variable, words, syntax, inherited(variable)),
      );
    },
    remove: (text: string, { variable, words }: NamedWords): string =>
      rcConfText.removeWords(text, variable, words, syntax),
    save: (text: string, { variable, words }: NamedWords): SavedWords =>
      rcConfText.saveWords(text, variable, words, syntax, inherited(variable)),
    undo: (text: string, { variable, words }: NamedWords, saved: SavedWords): string =>
      rcConfText.undoWords(text, variable, words, saved, syntax, inherited(variable)),
  };
}

/** Adds words; where the words of the log socket are refused, the error names the way out. */
function withWayOut(words: string, add: () => string): string {
  try {
    return add();
  } catch (error) {
    if (words !== SOCKET_FLAG || !(error instanceof FormatError)) throw error;
    throw new FormatError(`${error.message}. ${WITHOUT_SOCKET}`);
  }
}

function fileOf(observed: Observed, args: RcConfLocalArgs, platform: Platform): KeyedFile {
  const wanted: Record<string, Json> = {};
  for (const [name, value] of Object.entries(args.variables ?? {}))
    wanted[`variable:${name}`] = value;
  for (const [name, flags] of Object.entries(args.flags ?? {}))
    for (const flag of flags) wanted[`flag:${name}:${flag}`] = true;
  for (const name of args.packageScripts ?? []) wanted[`script:${name}`] = true;
  const text = keyedText(platform, inheritedIn(observed.defaults, platform));
  return { path: PATH, state: observed.file, text, wanted };
}

/** The path of the argument that a key comes from. */
function propertyOf(key: string, args: RcConfLocalArgs): string {
  const named = parseKey(key);
  if (named.is === "variable") return `variables.${named.name}`;
  const { is, variable, words } = named;
  if (is === "script") return `packageScripts[${args.packageScripts?.indexOf(words) ?? 0}]`;
  if (words === SOCKET_FLAG) return "logSocket";
  return `flags.${variable}[${args.flags?.[variable]?.indexOf(words) ?? 0}]`;
}

/** Do the arguments set any of syslogd's flags? */
function ownsSyslogd({ flags, variables }: RcConfLocalArgs): boolean {
  return (flags?.[SYSLOGD_FLAGS] ?? []).length > 0 || variables?.[SYSLOGD_FLAGS] !== undefined;
}

/** The one of syslogd's two processes that shows its flags; the other one's title is `syslogd: [priv]` (docs/openbsd.md 5). */
const SYSLOGD = /^(?:\/usr\/sbin\/)?syslogd(?: (.*))?$/;

/**
 * The flags of the running syslogd; `undefined` where it cannot be told. Its processes are those of root and of _syslogd:
 * any other user can start a program under that title.
 */
const syslogdFlags: Look<string | undefined> = processesOf(["_syslogd"], SYSLOGD).map((found) => {
  if (isUnknown(found)) return undefined;
  const [first] = found.map(({ command }) => SYSLOGD.exec(command)?.[1] ?? "");
  return first?.trim();
});

function look(args: RcConfLocalArgs): Look<Observed> {
  return Look.all({
    file: file(PATH),
    defaults: file("/etc/rc.conf"),
    socketFolder: stat(SOCKET_FOLDER),
    socket: stat(SOCKET),
    postfix: stat(PROGRAMS.postfix),
    scripts: Look.each(args.packageScripts ?? [], (name) => stat(scriptPath(name))),
    syslogd: ownsSyslogd(args) ? syslogdFlags : Look.of(undefined),
    record: RECORD,
  });
}

/** Is the socket wanted, and its folder there, but syslogd has not opened the socket? */
function socketMissing(observed: Observed, args: RcConfLocalArgs): boolean {
  return (
    (args.flags?.[SYSLOGD_FLAGS] ?? []).includes(SOCKET_FLAG) &&
    observed.socketFolder.type === "directory" &&
    observed.socket.type === "absent"
  );
}

/**
 * Why syslogd must be restarted although the file is as wanted. A socket in the chroot proves nothing here, because it
 * outlives the syslogd that opened it.
 */
function syslogdIsOld(observed: Observed, args: RcConfLocalArgs): string | undefined {
  if (observed.record.syslogd !== undefined)
    return "syslogd was not restarted since its flags changed";
  const whole = args.variables?.[SYSLOGD_FLAGS];
  const wanted = [
    ...(whole === undefined || whole === "NO" ? [] : [whole]),
    ...(args.flags?.[SYSLOGD_FLAGS] ?? []),
  ];
  const { syslogd } = observed;
  const lacks = wanted.filter(
    (words) => words.trim() !== "" && syslogd !== undefined && !containsWords(syslogd, words),
  );
  return lacks.length > 0 ? `syslogd runs without ${lacks.join(" ")}` : undefined;
}

/** Do the changes of the file change syslogd's flags? */
function changesSyslogd(
  observed: Observed,
  changes: readonly Change[],
  platform: Platform,
): boolean {
  const inherited = inheritedIn(observed.defaults, platform)(SYSLOGD_FLAGS);
  const flags = (text = ""): unknown =>
    rcConfText.get(text, SYSLOGD_FLAGS, platform.rcConfSyntax, inherited) ?? inherited;
  const before = flags(contentsOf(observed.file));
  const after = flags(textAfter(changes, PATH, observed.file));
  return JSON.stringify(before) !== JSON.stringify(after);
}

/**
 * The changes of the file, and where needed the restart of syslogd with its new or its former flags. A chrooted process
 * of Postfix stays connected to the socket of the former syslogd (docs/openbsd.md 5), so Postfix needs a reload then.
 */
function planned(
  changes: readonly Change[],
  restarts: boolean,
  which: "new" | "former",
  { logSocketNeeded }: Platform,
): Plan {
  if (!restarts) return { changes };
  const restart: Change = {
    change: "act",
    text: `restart syslogd with its ${which} flags`,
    act: async (host, { platform, setRecord }) => {
      await runOrFail(host, "restart syslogd", { argv: platform.restartSyslogd });
      await setRecord(({ syslogd: _, ...record }) => record);
    },
  };
  return {
    changes: [...changes, restart],
    owes: { syslogd: "restart" },
    ...(logSocketNeeded ? { tells: { need: "reload", because: [SOCKET] } } : {}),
  };
}

/** Failures for missing scripts that are to start at boot: rc(8) skips a missing script without a message. */
function scriptFailures(
  { scripts, postfix }: Observed,
  args: RcConfLocalArgs,
  { platform, coming, warn }: JudgeContext,
): Failure[] {
  if (platform.packageDaemons !== "pkg_scripts") return [];
  return (args.packageScripts ?? []).flatMap((name, index) => {
    if (scripts[name]?.type !== "absent" || coming(scriptPath(name))) return [];
    const absent = `${scriptPath(name)} is not there, so ${name} would not be started at boot`;
    if (name !== "postfix" || !platform.boot.packageScripts.includes(name))
      return [{ path: `packageScripts[${index}]`, reason: `${absent}.` }];
    // Without Postfix on the host, the missing script is not the problem.
    if (postfix.type === "absent") {
      warn(`${absent}: Postfix is not installed.`);
      return [];
    }
    return [
      {
        path: args.boot === "postfix" ? "boot" : `packageScripts[${index}]`,
        reason: `${absent}: the installed package has none, like every package of a release before 5.0. Have PostfixPackage replace it, without a \`version\` of that time, or set \`boot: "unchanged"\` and start Postfix in another way.`,
      },
    ];
  });
}

export const rcConfLocal: Kind<RcConfLocalArgs, Observed> = {
  name: "RcConfLocal",
  traits: { switches: true },
  subject: () => PATH.slice(1),
  arguments: rcConfLocalArguments,
  property: propertyOf,
  complete: (args, platform) => {
    const boot = args.boot ?? "postfix";
    const logSocket = args.logSocket ?? "auto";
    const bootLines = boot === "postfix" ? platform.boot : { variables: {}, packageScripts: [] };
    const wantsSocket = logSocket === "auto" ? platform.logSocketNeeded : logSocket;
    const syslogdFlags = new Set([
      ...(args.flags?.["syslogd_flags"] ?? []),
      ...(wantsSocket ? [SOCKET_FLAG] : []),
    ]);
    return {
      ...args,
      boot,
      logSocket,
      variables: { ...bootLines.variables, ...args.variables },
      flags: {
        ...args.flags,
        ...(syslogdFlags.size > 0 ? { syslogd_flags: [...syslogdFlags] } : {}),
      },
      packageScripts: [...new Set([...bootLines.packageScripts, ...(args.packageScripts ?? [])])],
    };
  },
  look,
  live: (observed, args, platform) => {
    const live = liveKeys(fileOf(observed, args, platform));
    const missing = socketMissing(observed, args);
    const old = syslogdIsOld(observed, args);
    return {
      variables: Object.fromEntries(
        Object.keys(args.variables ?? {}).map((name) => {
          const value = live[`variable:${name}`] as string | null;
          // The program's own values are ASCII, but others may have set any.
          return [name, (value === null ? value : decodeUtf8(value)) as string];
        }),
      ),
      flags: mapValues(args.flags ?? {}, (flags, name) =>
        flags.filter(
          (flag) => live[`flag:${name}:${flag}`] === true && !(missing && flag === SOCKET_FLAG),
        ),
      ),
      packageScripts: (args.packageScripts ?? []).filter((name) => live[`script:${name}`] === true),
      ...(old === undefined ? {} : { logSocket: `${String(args.logSocket)} (${old})` as "auto" }),
    };
  },
  outputs: () => ({}),
  owns: (observed, args, context) => ({
    claims: claimKeyedFile(fileOf(observed, args, context.platform), context),
    files: { [PATH]: observed.file },
  }),
  plan: (observed, args, context) => {
    const { platform } = context;
    const changes = planKeyedFile(fileOf(observed, args, platform), context);
    const restarts =
      changesSyslogd(observed, changes, platform) ||
      socketMissing(observed, args) ||
      syslogdIsOld(observed, args) !== undefined;
    return planned(changes, restarts, "new", platform);
  },
  judge: (observed, args, context) => Promise.resolve(scriptFailures(observed, args, context)),
  restore: (observed, args, context) => {
    const { platform, record } = context;
    const { text } = fileOf(observed, args, platform);
    const changes = restoreKeyedFile(PATH, observed.file, text, context);
    const restarts = changesSyslogd(observed, changes, platform) || record.syslogd !== undefined;
    return planned(changes, restarts, "former", platform);
  },
};
