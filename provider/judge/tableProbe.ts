/**
 * A table of another server's entries, asked once before its text goes live. The text is staged in the judgement's private
 * folder, which only root can enter, and the host's own postmap(1) asks the server by it.
 */
import type { Bytes } from "../formats/bytes";
import type { HostReader } from "../host/host";
import { PROGRAMS } from "../postfix/paths";
import { lastLines } from "../values/readable";
import { PLAIN_CONFIGURATION, PLAIN_FOLDER } from "./stagedConfiguration";
import { ranTool } from "./toolAnswer";

/** A question to a table that is not in place yet. */
export interface TableProbe {
  readonly type: string;
  /** Where the text will be. */
  readonly path: string;
  readonly contents: Bytes;
  readonly key: string;
}

/** What came of a question: an answer, perhaps with warnings, or none. "Not found" is an answer. */
export type Probed =
  | { readonly answered: true; readonly warnings: string }
  /** `unreachable`: no server was reached, which may be because it does not run yet. */
  | { readonly answered: false; readonly reason: string; readonly unreachable: boolean };

const NAME = "probe";

/** What a client says of a server that is not there: by MySQL, PostgreSQL and LDAP, and by the system. */
const NOT_THERE =
  /connection refused|timed? ?out|can't connect|could not connect|no route to host|network is unreachable|unknown (mysql )?(server )?host|could not translate host name|can't contact ldap server|no such file or directory/i;

/** A warning about a server that was asked. */
const OF_SERVER = /connect|query|search|bind/i;

/** What only a server says. */
const BY_SERVER = /denied|authentication|credentials|password|unknown database|does not exist/i;

/** Asks the table; `undefined` where the host has no postmap(1). */
export async function probeTable(probe: TableProbe, host: HostReader): Promise<Probed | undefined> {
  const { type, path, contents, key } = probe;
  const [answer] = await host.judge({
    files: { [NAME]: contents, ...PLAIN_CONFIGURATION },
    commands: [
      { argv: [PROGRAMS.postmap, "-c", PLAIN_FOLDER, "-q", key, `${type}:{dir}/${NAME}`] },
    ],
  });
  const result = ranTool(answer);
  if (result === undefined) return undefined;
  const said = result.stderr.replace(
    new RegExp(`\\S*/${NAME}(?=[ ,:.]|$)`, "gm"),
    `${type}:${path}`,
  );
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const reasons = lines.map((line) => line.replace(/^post\w+: (warning|fatal|error): /, ""));
  if (result.timedOut)
    return { answered: false, reason: "it did not answer in time", unreachable: true };
  const isFatal = lines.some((line) => /^post\w+: (fatal|panic|error): /.test(line));
  // An old postmap(1) takes a query that failed for a key that is not found, and only warns (docs/openbsd.md 12.2).
  const isDoubtful = result.exitCode === 1 && reasons.some((line) => OF_SERVER.test(line));
  if (isFatal || isDoubtful || (result.exitCode !== 0 && result.exitCode !== 1)) {
    const ofServer = reasons.filter((line) => !/query error/.test(line));
    return {
      answered: false,
      reason: lastLines(reasons.join("\n"), 8),
      unreachable:
        ofServer.length > 0 &&
        ofServer.every((line) => NOT_THERE.test(line)) &&
        !ofServer.some((line) => BY_SERVER.test(line)),
    };
  }
  return { answered: true, warnings: lastLines(reasons.join("\n"), 8) };
}
