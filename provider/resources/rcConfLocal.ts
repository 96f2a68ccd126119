/** Guide 2.5 and 3.1: /etc/rc.conf.local, what starts at boot and where syslogd listens; syslogd restarted for it. */
import {
  claimKeyedFile,
  contentsOf,
  type KeyedFile,
  type KeyedText,
  liveKeys,
  planKeyedFile,
  restoreKeyedFile,
} from "../files";
import * as rcConfText from "../formats/rcConfLocal";
import type { FileState } from "../host/host";
import type { Json } from "../host/record";
import type { Platform } from "../openbsd/platform";
import type { Change, Failure, Kind } from "../resource";

export interface RcConfLocalArgs {
  /** `"postfix"`: Postfix starts at boot and the base mailer does not. */
  readonly boot?: "postfix" | "unchanged";
  /** Whether syslogd opens a socket in Postfix's chroot; `"auto"`: where the release needs it. */
  readonly logSocket?: boolean | "auto";
  /** Whole variables, by name. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Single flags inside a variable. */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
  /** Names in `pkg_scripts`. */
  readonly packageScripts?: readonly string[];
}

interface Observed {
  readonly file: FileState;
  /** The folder of the chroot's log socket, and the socket. */
  readonly socketFolder: FileState;
  readonly socket: FileState;
}

const PATH = "/etc/rc.conf.local";
const SOCKET = "/var/spool/postfix/dev/log";
const SOCKET_FLAG = `-a ${SOCKET}`;

/** Keys: `variable:NAME`, `flag:VARIABLE:WORDS`, `script:NAME`. */
export function keyedText(platform: Platform): KeyedText {
  const syntax = platform.rcConfSyntax;
  const split = (key: string): { kind: string; name: string; words: string } => {
    const [kind = "", name = "", ...rest] = key.split(":");
    return { kind, name, words: rest.join(":") };
  };
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
      return rcConfText.hasWords(text, variable, kind === "flag" ? words : name, syntax)
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
      return value === null
        ? rcConfText.removeWords(text, variable, word, syntax)
        : rcConfText.addWords(text, variable, word, syntax);
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
  return { path: PATH, state: observed.file, text: keyedText(platform), wanted };
}

/** The socket is wanted and there is a folder for it, but syslogd has not opened it. */
function socketMissing(observed: Observed, args: RcConfLocalArgs): boolean {
  return (
    (args.flags?.["syslogd_flags"] ?? []).includes(SOCKET_FLAG) &&
    observed.socketFolder.type === "directory" &&
    observed.socket.type === "absent"
  );
}

/** Does a write change what syslogd is started with? */
function changesSyslogd(file: KeyedFile, changes: readonly Change[], platform: Platform): boolean {
  const write = changes[0];
  const before = rcConfText.get(
    contentsOf(file.state) ?? "",
    "syslogd_flags",
    platform.rcConfSyntax,
  );
  const after =
    write?.change === "write"
      ? rcConfText.get(write.contents, "syslogd_flags", platform.rcConfSyntax)
      : write?.change === "remove"
        ? undefined
        : before;
  return JSON.stringify(before ?? "") !== JSON.stringify(after ?? "");
}

function restartSyslogd(platform: Platform, which: "new" | "former"): Change {
  return {
    change: "run",
    text: `restart syslogd with its ${which} flags`,
    argv: platform.restartSyslogd,
  };
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const VALUE = /^[^"'#$`\\\n\r\0]*$/;

function validate(args: Partial<RcConfLocalArgs>): Failure[] {
  const failures: Failure[] = [];
  if (args.boot !== undefined && !["postfix", "unchanged"].includes(args.boot))
    failures.push({ path: "boot", reason: 'must be "postfix" or "unchanged".' });
  if (args.logSocket !== undefined && ![true, false, "auto"].includes(args.logSocket))
    failures.push({ path: "logSocket", reason: 'must be true, false or "auto".' });
  const value = (path: string, text: unknown): void => {
    if (typeof text !== "string" || !VALUE.test(text))
      failures.push({
        path,
        reason:
          "must be one line without quotes, `#`, `$`, backquote or backslash: older releases source this file as shell, newer ones cut at `#`.",
      });
  };
  for (const [name, text] of Object.entries(args.variables ?? {})) {
    if (!NAME.test(name))
      failures.push({ path: `variables.${name}`, reason: "is no name of a shell variable." });
    value(`variables.${name}`, text);
  }
  for (const [name, flags] of Object.entries(args.flags ?? {})) {
    if (!NAME.test(name))
      failures.push({ path: `flags.${name}`, reason: "is no name of a shell variable." });
    for (const [index, flag] of flags.entries()) value(`flags.${name}[${index}]`, flag);
  }
  for (const [index, name] of (args.packageScripts ?? []).entries())
    if (!/^[A-Za-z0-9_.-]+$/.test(name))
      failures.push({
        path: `packageScripts[${index}]`,
        reason: "must be the name of a script in /etc/rc.d.",
      });
  return failures;
}

export const rcConfLocal: Kind<RcConfLocalArgs, Observed> = {
  name: "RcConfLocal",
  what: () => "etc/rc.conf.local",
  validate,
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
  facts: () => ({
    file: { fact: "file", path: PATH },
    socketFolder: { fact: "file", path: "/var/spool/postfix/dev", stat: true },
    socket: { fact: "file", path: SOCKET, stat: true },
  }),
  observe: (answers) => ({
    file: answers["file"] as FileState,
    socketFolder: answers["socketFolder"] as FileState,
    socket: answers["socket"] as FileState,
  }),
  live: (observed, args, platform) => {
    const live = liveKeys(fileOf(observed, args, platform));
    const missing = socketMissing(observed, args);
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
    };
  },
  outputs: () => ({}),
  claims: (observed, args, context) =>
    claimKeyedFile(fileOf(observed, args, context.platform), context),
  baselines: ({ file }) => ({ [PATH]: file }),
  plan: (observed, args, context) => {
    const file = fileOf(observed, args, context.platform);
    const changes = planKeyedFile(file, context);
    return changesSyslogd(file, changes, context.platform) || socketMissing(observed, args)
      ? [...changes, restartSyslogd(context.platform, "new")]
      : changes;
  },
  restore: (observed, args, context) => {
    const file = fileOf(observed, args, context.platform);
    const changes = restoreKeyedFile(PATH, observed.file, file.text, context);
    return changesSyslogd(file, changes, context.platform)
      ? [...changes, restartSyslogd(context.platform, "former")]
      : changes;
  },
};
