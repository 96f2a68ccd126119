/**
 * Text of others made fit for a reader. What a host, its mail log or an SSH server says may hold anything: sequences that
 * a terminal obeys, characters that change the order of what is read, and the directives by which Pulumi colours its
 * output.
 */

/**
 * What is never shown as it is: control characters but tab and line feed (ECMA-48 has C0, C1 and DEL), line separators,
 * and the marks that turn the direction of writing.
 */
const UNPRINTABLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * The beginning of a directive of Pulumi's engine, as in `<{%fg 1%}>`. Where colours are on, an unknown one ends the CLI
 * with the panic "Unrecognized color code" and leaves the stack locked; where they are off, it vanishes with its contents.
 */
const DIRECTIVE = /<(?=\{%)/g;

/** Does a text hold what Pulumi's engine takes for a directive about colours? */
export function holdsDirective(text: string): boolean {
  return text.search(DIRECTIVE) >= 0;
}

/**
 * The text with everything escaped that a terminal or Pulumi's engine would obey: as `\xNN`, or `\uNNNN` above U+00FF.
 * What this has made printable stays as it is when it is made printable again.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped).replace(DIRECTIVE, escaped);
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}

/** Bytes as text: decoded as UTF-8, and made {@link printable}. */
export function readable(latin1: string): string {
  return printable(
    new TextDecoder("utf-8", { fatal: false }).decode(Buffer.from(latin1, "latin1")),
  );
}

/**
 * The last lines of a program's output, without blank ones: short enough for an error. A carriage return ends a line too:
 * a program that draws how far it is writes each state over the one before.
 */
export function lastLines(text: string, count = 12): string {
  const lines = text.split(/[\r\n]+/).map((line) => readable(line).replace(/\s+$/, ""));
  return lines
    .filter((line) => line !== "")
    .slice(-count)
    .join("\n");
}
