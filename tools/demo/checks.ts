/** What the demo must see: the list that its summary is made of. */
import { seconds, type Screen } from "./screen";

/** Every check, in the order in which the demo comes to it. */
export const checks = {
  preview: "a preview shows what will change on the host, under each component",
  previewWrites: "the preview changes nothing on the host",
  up: "up gives a Postfix that answers on port 25",
  dialogue: "the message is taken over SMTP and queued",
  log: "the mail log says that it was delivered",
  mailbox: "the message is in the mailbox",
  second: "a second up has nothing to change",
  secondWrites: "the second up writes nothing on the host",
  drift: "a preview with refresh shows the three changes made behind Pulumi's back",
  repair: "up corrects the three, and the host's tree is as it was before them",
  repairServes: "the running Postfix uses the corrected files",
  destroy: "destroy removes everything it made",
  restored: "the host's file tree is what it was at first",
  baseMailer: "the base system's mailer serves again",
} as const;

/** The name of a check. */
export type Check = keyof typeof checks;

/** Keeps what was seen. */
export class Checks {
  private readonly seen = new Map<Check, boolean>();

  constructor(private readonly screen: Screen) {}

  /** Notes whether a check came out well, and says so. */
  note(check: Check, seen: boolean, detail = ""): void {
    this.seen.set(check, seen);
    this.screen.verdict(seen, detail === "" ? checks[check] : `${checks[check]}: ${detail}`);
  }

  /** Whether every check came out well. */
  get complete(): boolean {
    return (Object.keys(checks) as Check[]).every((check) => this.seen.get(check) === true);
  }

  /** Prints the table; what was never come to is NOT seen. */
  summary(): void {
    const { screen } = this;
    screen.heading("Summary");
    for (const [check, text] of Object.entries(checks) as [Check, string][]) {
      const seen = this.seen.get(check) === true;
      const mark = seen ? screen.paint("32", "seen    ") : screen.paint("31", "NOT seen");
      screen.print(`  ${mark}  ${text}`);
    }
    const count = Object.keys(checks).length;
    const seen = [...this.seen.values()].filter(Boolean).length;
    screen.say(`\n${seen} of ${count} seen, after ${seconds()} s.`);
  }
}
