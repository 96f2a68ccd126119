/** What the demo prints: headings with the time, commands, notes, and never a long silence. */

/** After so long without a line, the demo says that it still works. */
const silenceMs = 3000;

/** Escape sequences that set colors. */
const colors = /\u001b\[[0-9;]*m/g;

/** A line without its colors. */
export function plain(text: string): string {
  return text.replace(colors, "");
}

const started = Date.now();

/** Writes to stdout, in colors where that is a terminal. */
export class Screen {
  /** Whether to use colors, here and in the CLI's own output. */
  readonly colored = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  private lastPrinted = Date.now();

  /** The heading of an act. */
  heading(title: string): void {
    const at = `[${seconds()} s]`;
    const line = "=".repeat(Math.max(4, 96 - title.length - at.length));
    this.print(`\n${this.bold(`== ${title} ${line} ${at}`)}\n`);
  }

  /** A sentence of the demo's own. */
  say(text: string): void {
    this.print(text);
  }

  /** A command as one would type it: `$` where Pulumi runs, `#` for root on the host. */
  command(prompt: "$" | "#", text: string): void {
    this.print(this.bold(`${prompt} ${text}`));
  }

  /** Lines that come from elsewhere, set off from the demo's own. */
  quote(text: string): void {
    for (const line of text.replace(/\n$/, "").split("\n")) this.print(`  | ${line}`.trimEnd());
  }

  /** What a check came to. */
  verdict(seen: boolean, text: string): void {
    const mark = seen ? this.paint("32", "seen") : this.paint("31", "NOT seen");
    this.print(`${this.bold("->")} ${mark}: ${text}`);
  }

  /** One line. */
  print(line: string): void {
    this.lastPrinted = Date.now();
    process.stdout.write(`${line}\n`);
  }

  bold(text: string): string {
    return this.paint("1", text);
  }

  paint(code: string, text: string): string {
    return this.colored ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  /** Does `work`, and says from time to time that it is still at it, when nothing else is printed. */
  async during<T>(what: string, work: Promise<T>): Promise<T> {
    const begin = Date.now();
    const timer = setInterval(() => {
      if (Date.now() - this.lastPrinted < silenceMs) return;
      this.print(`   ... ${what}, ${Math.round((Date.now() - begin) / 1000)} s`);
    }, 500);
    try {
      return await work;
    } finally {
      clearInterval(timer);
    }
  }
}

/** Whole seconds since the demo was started. */
export function seconds(): number {
  return Math.round((Date.now() - started) / 1000);
}
