/** The ways in which a secret may be spelled in a text. */
import { readable } from "../../values/readable";

/** The password in the settings of a table: `password = …` (mysql_table(5)), `bind_pw = …` (ldap_table(5)). */
const PASSWORD = /^\s*\w*(?:pass|pw)\w*\s*=\s*(.*\S)/i;

/** The password in an address: `hosts = postgresql://user:password@host/` (pgsql_table(5)). */
const IN_ADDRESS = /:\/\/[^/:@\s]*:([^/@\s]+)@/g;

/** A login, as smtp_sasl_password_maps has it: `user:password`. What is shorter may be the port after a host's name. */
const LOGIN = /^([^\s:[\]|"]+):(\S{6,})$/;

/**
 * The spellings of a secret: as it is, without the blanks around it, line by line, in the quotes of JSON, of aliases(5)
 * and of messages, as local(8) logs a command, and as `readable` prints it.
 */
export function spellings(secret: string): string[] {
  const trimmed = secret.trim();
  const bare = trimmed.replace(/^"(.*)"$/s, (_all, inner: string) => inner.replace(/\\(.)/g, "$1"));
  const forms = [secret, trimmed, trimmed.replace(/\s+/g, " "), bare, bare.replace(/^\|\s*/, "")];
  const quoted = forms.flatMap((form) => [
    form.replace(/["\\]/g, "\\$&"),
    JSON.stringify(form).slice(1, -1),
    readable(Buffer.from(form).toString("latin1")),
  ]);
  const lines = secret.split("\n").filter((line) => line.trim().length >= 8);
  const passwords = [
    ...secret.split("\n").flatMap((line) => PASSWORD.exec(line)?.[1] ?? []),
    ...[...secret.matchAll(IN_ADDRESS)].flatMap(([, password = ""]) => [
      password,
      unescaped(password),
    ]),
  ];
  const [, user = "", password] = LOGIN.exec(trimmed) ?? [];
  // Servers quote what they refuse, and smtp(8) logs a whole dialogue with a peer of debug_peer_list.
  const login =
    password === undefined ? [] : [password, ...[password, `\0${user}\0${password}`].map(encoded)];
  return [...forms, ...quoted, ...lines, ...passwords, ...login].filter(
    (form) => form.trim() !== "",
  );
}

/** A text as SMTP carries it in a login. */
function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** The password as it was before it was put into an address. */
function unescaped(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}
