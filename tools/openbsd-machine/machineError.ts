/** What a person has to know to go on: what was tried, what came back, and what to do. */
export class MachineError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MachineError";
  }
}

/** The last lines of a text, for an error message. */
export function lastLines(text: string, count: number): string {
  const lines = text
    .replace(/\r/g, "")
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  return lines.slice(-count).join("\n");
}
