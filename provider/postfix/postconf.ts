/** Asking postconf(1), and reading its output. */
import { Look, printed, probe } from "../host/look";
import { PROGRAMS } from "./paths";

/** Values of parameters, by name. */
export type Settings = Readonly<Record<string, string>>;

/** Reads the output of postconf(1): `name = value` on each line. */
export function settingsIn(text: string): Settings {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const [, name, value = ""] = /^([^\s=]+) =(?: (.*))?$/.exec(line) ?? [];
    if (name !== undefined) found[name] = value.trim();
  }
  return found;
}

/** Runs `postconf` with options or names of parameters. Empty if it fails or does not exist. */
export function settings(...words: readonly string[]): Look<Settings> {
  return probe([PROGRAMS.postconf, ...words]).map((answer) => settingsIn(printed(answer) ?? ""));
}

/** The version of the host's Postfix, such as "3.5.25"; `null` if there is no Postfix, or it does not answer. */
export const POSTFIX_VERSION: Look<string | null> = probe([
  PROGRAMS.postconf,
  "-h",
  "mail_version",
]).map((answer) => printed(answer)?.trim() ?? null);
