/** Bytes as text for a terminal: decoded as UTF-8, with control characters escaped as `\xNN`. */
export function readable(latin1: string): string {
  const text = new TextDecoder("utf-8", { fatal: false }).decode(Buffer.from(latin1, "latin1"));
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** The last lines of a program's output, without blank ones: short enough for an error. */
export function lastLines(text: string, count = 12): string {
  const lines = readable(text)
    .split("\n")
    .map((line) => line.replace(/\s+$/, ""));
  return lines
    .filter((line) => line !== "")
    .slice(-count)
    .join("\n");
}
