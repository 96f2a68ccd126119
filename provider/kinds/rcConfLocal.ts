/** Guide 2.5 and 3.1: /etc/rc.conf.local, what starts at boot and where syslogd listens; syslogd restarted for it. */
import {
  claimKeyedFile,
  type KeyedFile,
  type KeyedText,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../kind/keyedFile";
import { type RcConfLocalArgs, rcConfLocalArguments } from "../arguments/rcConfLocal";
import { contentsOf } from "../host/host";
import { FormatError } from "../formats/bytes";
import * as rcConfText from "../formats/rcConfLocal";
import { containsWords } from "../formats/words";
import type { Answers, FactAnswers, Facts, FileState } from "../host/host";
import { type HostRecord, type Json, parseRecord } from "../host/record";
import type { Platform } from "../openbsd/platform";
import type { Change, Failure, JudgeContext, Kind } from "../kind/kind";
import { runOrFail } from "../host/programs";

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
const POSTFIX = "/usr/local/sbin/postfix";
const SYSLOGD_FLAGS = "syslogd_flags";
const SOCKET = "/var/spool/postfix/dev/log";
const SOCKET_FLAG = `-a ${SOCKET}`;

/**
 * What rc.conf says of a variable: a first entry in rc.conf.local builds on that. Nothing where only a shell could tell.
 */
function inheritedIn(defaults: FileState, { rcConfSyntax }: Platform): (name: string) => string {
  // A sourced rc.conf ends by sourcing rc.conf.local, after which nothing would be certain any more (openbsd.md 4.1).
  const text = (contentsOf(defaults) ?? "").replace(/^.*\blocal_rcconf\b.*\n?/gm, "");
  return (name) => {
    const value = rcConfText.get(text, name, rcConfSyntax);
    return typeof value === "string" ? value : "";
  };
}

function split(key: string): { kind: string; name: string; words: string } {
  const [kind = "", name = "", ...rest] = key.split(":");
  return { kind, name, words: rest.join(":") };
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

/** Keys: `variable:NAME`, `flag:VARIABLE:WORDS`, `script:NAME`. */
export function keyedText(
  platform: Platform,
  inherited: (name: string) => string = () => "",
): KeyedText {
  const syntax = platform.rcConfSyntax;
  return {
    kind: "RcConfLocal",
    get(text, key) {
      const { kind, name, words } = split(key);
      if (kind === "variable") {
        const value = rcConfText.get(text, name, syntax);
        return value === undefined || typeof value === "string"
          ? value
          : { unreadable: value.unreadable };
      }
      const variable = kind === "flag" ? name : "pkg_scripts";
      const word = kind === "flag" ? words : name;
      return rcConfText.hasWords(text, variable, word, syntax, inherited(variable))
        ? true
        : undefined;
    },
    put(text, key, value) {
      const { kind, name, words } = split(key);
      if (kind === "variable")
        return value === null
          ? rcConfText.remove(text, name, syntax)
          : rcConfText.set(text, name, value as string, syntax);
      const variable = kind === "flag" ? name : "pkg_scripts";
      const word = kind === "flag" ? words : name;
      if (value === null) return rcConfText.removeWords(text, variable, word, syntax);
      const there = rcConfText.hasWords(text, variable, word, syntax, inherited(variable));
      const problem = kind === "script" && !there ? noPackageScripts(platform) : undefined;
      if (problem !== undefined) throw new FormatError(problem);
      try {
        return rcConfText.addWords(text, variable, word, syntax, inherited(variable));
      } catch (error) {
        if (word !== SOCKET_FLAG || !(error instanceof FormatError)) throw error;
        throw new FormatError(`${error.message}. ${WITHOUT_SOCKET}`);
      }
    },
    save(text, key) {
      const { kind, name, words } = split(key);
      if (kind === "variable") return rcConfText.save(text, name, syntax) as unknown as Json;
      const variable = kind === "flag" ? name : "pkg_scripts";
      return rcConfText.saveWords(
        text,
        variable,
        kind === "flag" ? words : name,
        syntax,
        inherited(variable),
      ) as unknown as Json;
    },
    undo(text, key, saved) {
      const { kind, name, words } = split(key);
      if (kind === "variable") return rcConfText.undo(text, name, saved as never, syntax);
      const variable = kind === "flag" ? name : "pkg_scripts";
      return rcConfText.undoWords(
        text,
        variable,
        kind === "flag" ? words : name,
        saved as never,
        syntax,
        inherited(variable),
      );
    },
  };
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
function pathOf(key: string, args: RcConfLocalArgs): string {
  const { kind, name, words } = split(key);
  if (kind === "variable") return `variables.${name}`;
  if (kind === "script") return `packageScripts[${args.packageScripts?.indexOf(name) ?? 0}]`;
  if (words === SOCKET_FLAG) return "logSocket";
  return `flags.${name}[${args.flags?.[name]?.indexOf(words) ?? 0}]`;
}

/** Does a resource with these arguments have a say in what syslogd is started with? */
function ownsSyslogd({ flags, variables }: RcConfLocalArgs): boolean {
  return (flags?.[SYSLOGD_FLAGS] ?? []).length > 0 || variables?.[SYSLOGD_FLAGS] !== undefined;
}

/**
 * What the running syslogd was started with. One of its two processes shows that, and the other has a title in its
 * place: `syslogd: [priv]` (openbsd.md 5).
 */
function syslogdIn(listing: FactAnswers["probe"] | undefined): string | undefined {
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

const RESTART = "restart syslogd";

/** The restart; `reload`: a chrooted process of Postfix keeps the socket of the syslogd before (openbsd.md 5). */
function restartSyslogd({ logSocketNeeded }: Platform, which: "new" | "former"): Change {
  return {
    change: "step",
    step: RESTART,
    text: `restart syslogd with its ${which} flags`,
    detail: { reload: logSocketNeeded },
  };
}

function restart(changes: readonly Change[]): Extract<Change, { change: "step" }> | undefined {
  return changes
    .filter((change) => change.change === "step")
    .find((change) => change.step === RESTART);
}

export const rcConfLocal: Kind<RcConfLocalArgs, Observed> = {
  name: "RcConfLocal",
  switches: true,
  what: () => "etc/rc.conf.local",
  arguments: rcConfLocalArguments,
  property: pathOf,
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
  facts: (args) => ({
    file: { fact: "file", path: PATH },
    defaults: { fact: "file", path: "/etc/rc.conf" },
    socketFolder: { fact: "file", path: "/var/spool/postfix/dev", stat: true },
    socket: { fact: "file", path: SOCKET, stat: true },
    postfix: { fact: "file", path: POSTFIX, stat: true },
    ...Object.fromEntries(
      (args.packageScripts ?? []).map((name) => [
        `script ${name}`,
        { fact: "file", path: scriptPath(name), stat: true } as const,
      ]),
    ),
    ...(ownsSyslogd(args)
      ? { syslogd: { fact: "probe", argv: ["/bin/ps", "-axww", "-o", "command"] } as const }
      : {}),
  }),
  observe: (answers: Answers<Facts>, args) => ({
    file: answers["file"] as FileState,
    defaults: answers["defaults"] as FileState,
    socketFolder: answers["socketFolder"] as FileState,
    socket: answers["socket"] as FileState,
    syslogd: syslogdIn(answers["syslogd"] as FactAnswers["probe"] | undefined),
    scripts: Object.fromEntries(
      (args.packageScripts ?? []).map((name) => [name, answers[`script ${name}`] as FileState]),
    ),
    postfix: answers["postfix"] as FileState,
    record: parseRecord(answers["record"] as FileState),
  }),
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
  claims: (observed, args, context) =>
    claimKeyedFile(fileOf(observed, args, context.platform), context),
  baselines: ({ file }) => ({ [PATH]: file }),
  plan: (observed, args, context) => {
    const changes = planKeyedFile(fileOf(observed, args, context.platform), context);
    return changesSyslogd(observed, changes, context.platform) ||
      socketMissing(observed, args) ||
      syslogdIsOld(observed, args) !== undefined
      ? [...changes, restartSyslogd(context.platform, "new")]
      : changes;
  },
  judge: (_host, observed, args, _changes, context) =>
    Promise.resolve(scriptFailures(observed, args, context)),
  pending: (_args, changes) =>
    (restart(changes)?.detail as { readonly reload: boolean } | undefined)?.reload === true
      ? { need: "reload", because: [SOCKET] }
      : undefined,
  owes: (changes) => (restart(changes) ? { syslogd: "restart" } : {}),
  restore: (observed, args, context) => {
    const file = fileOf(observed, args, context.platform);
    const changes = restoreKeyedFile(PATH, observed.file, file.text, context);
    return changesSyslogd(observed, changes, context.platform) ||
      context.record.syslogd !== undefined
      ? [...changes, restartSyslogd(context.platform, "former")]
      : changes;
  },
  async step(_step, _detail, host, _args, { platform, setRecord }) {
    await runOrFail(host, "restart syslogd", { argv: platform.restartSyslogd });
    await setRecord(({ syslogd: _, ...record }) => record);
    return undefined;
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
