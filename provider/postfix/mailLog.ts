/** Reading what is written to the mail log from a certain moment on. */
import type { HostReader, TailState } from "../host/host";

/** Where syslogd(8) writes what Postfix logs. */
export const MAILLOG = "/var/log/maillog";

/** How many bytes one request reads. */
const PIECE = 262_144;

/** The whole lines that are written to the mail log from now on, even if newsyslog(8) rotates it meanwhile. */
export class MailLog {
  private text = "";

  private constructor(
    private readonly host: HostReader,
    private inode: string,
    private offset: number,
  ) {}

  /** Starts at the present end of the log. */
  static async from(host: HostReader): Promise<MailLog> {
    const { log } = await host.read({
      log: { fact: "tail", path: MAILLOG, offset: -1, limit: 1 },
    });
    return new MailLog(host, log?.inode ?? "", log?.size ?? 0);
  }

  /** All whole lines since the start. */
  async read(): Promise<string> {
    for (;;) {
      const { log, former } = await this.host.read({
        log: { fact: "tail", path: MAILLOG, offset: this.offset, limit: PIECE },
        // newsyslog(8) renames the log to this before it compresses it.
        former: { fact: "tail", path: `${MAILLOG}.0`, offset: this.offset, limit: PIECE },
      });
      if (log === null) break;
      const rotated = log.inode !== this.inode || log.size < this.offset;
      const source: TailState | null = !rotated
        ? log
        : former !== null && former.inode === this.inode
          ? former
          : null;
      this.text += source?.contents ?? "";
      this.offset += source?.contents.length ?? 0;
      if (source !== null && source.contents.length === PIECE) continue;
      if (!rotated) break;
      this.inode = log.inode;
      this.offset = 0;
    }
    return this.text.slice(0, this.text.lastIndexOf("\n") + 1);
  }
}
