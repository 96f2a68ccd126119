/**
 * Configurations that the host's tools can check in the judgement's private folder, which the agent puts for `{dir}`:
 * without touching Postfix's own queue and data, and without a line in the host's mail log.
 */
import { commentedOut, set } from "../formats/mainCf";
import { servicesOf } from "../postfix/masterServices";
import { isLogService, LOG_SERVICE_LINE } from "./logFile";

const FOLDERS = { queue_directory: "{dir}/queue", data_directory: "{dir}/data" };

/**
 * From Postfix 3.4 on, its tools keep their messages in a file of the private folder, and postlog(1) writes that file
 * itself where no postlogd(8) listens (MAILLOG_README). Older ones know no such parameters, and log what they find wrong.
 */
const LOG = { maillog_file: "{dir}/maillog", maillog_file_prefixes: "{dir}" };

/**
 * The same text with folders and a log in the private folder. Their lines come last and former ones become comments, so
 * that every other line keeps its number in the tools' messages.
 */
export function stagedMainCf(main: string): string {
  return Object.entries({ ...FOLDERS, ...LOG }).reduce(
    (text, [name, folder]) => set(commentedOut(text, name), name, folder),
    main,
  );
}

/** The same services, and the one that `postfix check` asks for where there is a log file. */
export function stagedMasterCf(master: string): string {
  if (servicesOf(master).services.some(isLogService)) return master;
  const ended = master === "" || master.endsWith("\n") ? master : `${master}\n`;
  return `${ended}${LOG_SERVICE_LINE}\n`;
}

/** A configuration for the tools that build tables: a fault of the candidate must not hide the faults of a table. */
export const PLAIN_CONFIGURATION: Readonly<Record<string, string>> = {
  // The accounts of the port in every release (docs/openbsd.md 2.1): without them Postfix's tools stop.
  "plain/main.cf": stagedMainCf("mail_owner = _postfix\nsetgid_group = _postdrop\n"),
  "plain/master.cf": stagedMasterCf(""),
};

/** The folder of {@link PLAIN_CONFIGURATION}, for a tool's option `-c`. */
export const PLAIN_FOLDER = "{dir}/plain";
