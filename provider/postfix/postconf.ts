/** What postconf(1) says of the host's Postfix. */
import { Look, printed, probe } from "../host/look";
import { PROGRAMS } from "./paths";

/** Parameters by name. */
export type Settings = Readonly<Record<string, string>>;

/** The parameters that postconf(1) prints, `name = value` a line. */
export function settingsIn(text: string): Settings {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const [, name, value = ""] = /^([^\s=]+) =(?: (.*))?$/.exec(line) ?? [];
    if (name !== undefined) found[name] = value.trim();
  }
  return found;
}

/** What `postconf` prints for these words, options or names of parameters; nothing where it fails or is not there. */
export function settings(...words: readonly string[]): Look<Settings> {
  return probe([PROGRAMS.postconf, ...words]).map((answer) => settingsIn(printed(answer) ?? ""));
}

/** The version that the host's Postfix names, as in "3.5.25"; `null` without a Postfix that answers. */
export const POSTFIX_VERSION: Look<string | null> = probe([
  PROGRAMS.postconf,
  "-h",
  "mail_version",
]).map((answer) => printed(answer)?.trim() ?? null);
