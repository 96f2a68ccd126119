/** Guide 2.5 and 3.1: /etc/rc.conf.local, what starts at boot and where syslogd listens; syslogd restarted for it. */
import { type RcConfLocalArgs, rcConfLocalArguments } from "../arguments/rcConfLocal";
import { FormatError } from "../formats/bytes";
import * as rcConfText from "../formats/rcConfLocal";
import { containsWords } from "../formats/words";
import { contentsOf, type FileState } from "../host/host";
import { file, Look, probe, type ProbeAnswer, stat } from "../host/look";
import { runOrFail } from "../host/programs";
import { type HostRecord, type Json, parseRecord, RECORD_PATH } from "../host/record";
import {
  claimKeyedFile,
  type KeyedFile,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../kind/keyedFile";
import { type KeyedText, keyedText as keyedTextOf } from "../kind/keyedText";
import type { Change, Failure, JudgeContext, Kind, Plan } from "../kind/kind";
import type { Platform } from "../openbsd/platform";
import { PROGRAMS, QUEUE } from "../postfix/paths";

interface Observed {
  readonly file: FileState;
  /** /etc/rc.conf, on which rc.conf.local builds. */
  readonly defaults: FileState;
  /** The folder of the chroot's log socket, and the socket. */
  readonly socketFolder: FileState;
  readonly socket: FileState;
  /** What the running syslogd was started with; `undefined` where that is not asked or cannot be seen. */
  readonly syslogd: string | undefined;
  /** Scripts in /etc/rc.d, by their names. */
  readonly scripts: Readonly<Record<string, FileState>>;
  /** Postfix itself. */
  readonly postfix: FileState;
  readonly record: HostRecord;
}

const PATH = "/etc/rc.conf.local";
const SYSLOGD_FLAGS = "syslogd_flags";
const SOCKET_FOLDER = `${QUEUE}/dev`;
const SOCKET = `${SOCKET_FOLDER}/log`;
const SOCKET_FLAG = `-a ${SOCKET}`;

/**
 * What rc.conf says of a variable: a first entry in rc.conf.local builds on that. Nothing where only a shell could tell.
 */
function inheritedIn(defaults: FileState, { rcConfSyntax }: Platform): (name: string) => string {
  // A sourced rc.conf ends by sourcing rc.conf.local, after which nothing would be certain any more (docs/openbsd.md 4.1).
  const text = (contentsOf(defaults) ?? "").replace(/^.*\blocal_rcconf\b.*\n?/gm, "");
  return (name) => {
    const value = rcConfText.get(text, name, rcConfSyntax);
    return typeof value === "string" ? value : "";
  };
}

/** What a key names: `variable:NAME`, `flag:VARIABLE:WORDS`, `script:NAME`. */
type Named =
  | { readonly is: "variable"; readonly name: string }
  /** Words in a variable. */
  | { readonly is: "flag" | "script"; readonly variable: string; readonly words: string };

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

/** Where this release names the daemons of packages, if anywhere. */
function noPackageScripts({ release, packageDaemons }: Platform): string | undefined {
  if (packageDaemons === "pkg_scripts") return undefined;
  return packageDaemons === "none"
    ? `OpenBSD ${release} starts no daemons of packages by name; /etc/rc.local can`
    : `OpenBSD ${release} does not read pkg_scripts but ${packageDaemons}: set that, as a whole, in \`variables\``;
}

const WITHOUT_SOCKET =
  'Without a log socket: `logSocket: false`; with one, syslogd must run: `variables: { syslogd_flags: "" }`';

/** A variable's value, or `true` for words that stand in a variable. */
type Value = string | true | { readonly unreadable: string };

type SavedVariable = ReturnType<typeof rcConfText.save>;
type SavedWords = ReturnType<typeof rcConfText.saveWords>;

/** How variables, and words in them, stand in the file of a release. */
export function keyedText(
  platform: Platform,
  inherited: (name: string) => string = () => "",
): KeyedText {
  const syntax = platform.rcConfSyntax;
  return keyedTextOf<Value, SavedVariable | SavedWords>({
    kind: "RcConfLocal",
    get: (text, key) => {
      const named = parseKey(key);
      if (named.is === "variable") return rcConfText.get(text, named.name, syntax);
      return hasWords(text, named) ? true : undefined;
    },
    set: (text, key, value) => {
      const named = parseKey(key);
      if (named.is === "variable")
        return rcConfText.set(text, named.name, typeof value === "string" ? value : "", syntax);
      const { is, variable, words } = named;
      const problem =
        is === "script" && !hasWords(text, named) ? noPackageScripts(platform) : undefined;
      if (problem !== undefined) throw new FormatError(problem);
      return withWayOut(words, () =>
        rcConfText.addWords(text, variable, words, syntax, inherited(variable)),
      );
    },
    remove: (text, key) => {
      const named = parseKey(key);
      return named.is === "variable"
        ? rcConfText.remove(text, named.name, syntax)
        : rcConfText.removeWords(text, named.variable, named.words, syntax);
    },
    save: (text, key) => {
      const named = parseKey(key);
      if (named.is === "variable") return rcConfText.save(text, named.name, syntax);
      const { variable, words } = named;
      return rcConfText.saveWords(text, variable, words, syntax, inherited(variable));
    },
    undo: (text, key, saved) => {
      const named = parseKey(key);
      // A key gets back what was saved of it, so the shapes go together.
      if (named.is === "variable")
        return rcConfText.undo(text, named.name, saved as SavedVariable, syntax);
      const { variable, words } = named;
      const was = saved as SavedWords;
      return rcConfText.undoWords(text, variable, words, was, syntax, inherited(variable));
    },
  });

  function hasWords(
    text: string,
    { variable, words }: Exclude<Named, { is: "variable" }>,
  ): boolean {
    return rcConfText.hasWords(text, variable, words, syntax, inherited(variable));
  }
}

/** Names the way out where the log socket cannot be said. */
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

/** The property that a key is from. */
function propertyOf(key: string, args: RcConfLocalArgs): string {
  const named = parseKey(key);
  if (named.is === "variable") return `variables.${named.name}`;
  const { is, variable, words } = named;
  if (is === "script") return `packageScripts[${args.packageScripts?.indexOf(words) ?? 0}]`;
  if (words === SOCKET_FLAG) return "logSocket";
  return `flags.${variable}[${args.flags?.[variable]?.indexOf(words) ?? 0}]`;
}

/** Does a resource with these arguments have a say in what syslogd is started with? */
function ownsSyslogd({ flags, variables }: RcConfLocalArgs): boolean {
  return (flags?.[SYSLOGD_FLAGS] ?? []).length > 0 || variables?.[SYSLOGD_FLAGS] !== undefined;
}

/**
 * What the running syslogd was started with. One of its two processes shows that, and the other has a title in its
 * place: `syslogd: [priv]` (docs/openbsd.md 5).
 */
function syslogdIn(listing: ProbeAnswer | undefined): string | undefined {
  if (listing === undefined || "notFound" in listing) return undefined;
  return /^(?:\/usr\/sbin\/)?syslogd(?=\s|$)(?!:)(.*)$/m.exec(listing.stdout)?.[1]?.trim();
}

/** The socket is wanted and there is a folder for it, but syslogd has not opened it. */
function socketMissing(observed: Observed, args: RcConfLocalArgs): boolean {
  return (
    (args.flags?.[SYSLOGD_FLAGS] ?? []).includes(SOCKET_FLAG) &&
    observed.socketFolder.type === "directory" &&
    observed.socket.type === "absent"
  );
}

/**
 * Why syslogd must be started anew though the file is as wanted: a socket outlives its syslogd, so that it is there says
 * nothing.
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

/** Does a write change what syslogd is started with? */
function changesSyslogd(
  observed: Observed,
  changes: readonly Change[],
  platform: Platform,
): boolean {
  const write = changes[0];
  const inherited = inheritedIn(observed.defaults, platform)(SYSLOGD_FLAGS);
  const flags = (text: string): unknown =>
    rcConfText.get(text, SYSLOGD_FLAGS, platform.rcConfSyntax, inherited) ?? inherited;
  const before = flags(contentsOf(observed.file) ?? "");
  const after =
    write?.change === "write"
      ? flags(write.contents)
      : write?.change === "remove"
        ? inherited
        : before;
  return JSON.stringify(before) !== JSON.stringify(after);
}

/**
 * The changes of the file, and the restart of syslogd with its new or its former flags where that is needed. A chrooted
 * process of Postfix keeps the socket of the syslogd before (docs/openbsd.md 5), so Postfix must be told of the restart.
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

function look(args: RcConfLocalArgs): Look<Observed> {
  return Look.all({
    file: file(PATH),
    defaults: file("/etc/rc.conf"),
    socketFolder: stat(SOCKET_FOLDER),
    socket: stat(SOCKET),
    postfix: stat(PROGRAMS.postfix),
    scripts: Look.each(args.packageScripts ?? [], (name) => stat(scriptPath(name))),
    syslogd: ownsSyslogd(args)
      ? probe(["/bin/ps", "-axww", "-o", "command"]).map(syslogdIn)
      : Look.of(undefined),
    record: file(RECORD_PATH).map(parseRecord),
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
        Object.keys(args.variables ?? {}).map((name) => [name, live[`variable:${name}`] as string]),
      ),
      flags: Object.fromEntries(
        Object.entries(args.flags ?? {}).map(([name, flags]) => [
          name,
          flags.filter(
            (flag) => live[`flag:${name}:${flag}`] === true && !(missing && flag === SOCKET_FLAG),
          ),
        ]),
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

function scriptPath(name: string): string {
  return `/etc/rc.d/${name}`;
}

/** Scripts that are to be started at boot and are not there: rc(8) passes over them without a word. */
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
    // Without Postfix on the host, that is not what it lacks.
    if (postfix.type === "absent") {
      warn(`${absent}: Postfix is not installed.`);
      return [];
    }
    return [
      {
        path: args.boot === "postfix" ? "boot" : `packageScripts[${index}]`,
        reason: `${absent}: the package that is installed has none, as one of a release before 5.0. Have PostfixPackage replace it, without a \`version\` of that time, or say \`boot: "unchanged"\` and start Postfix in another way.`,
      },
    ];
  });
}
