/**
 * What the harness works on: keys in files of a host that a resource can own, each with an independent reader that knows
 * nothing of how the product reads. Cheap ones, so that thousands of steps take minutes.
 */

/** Values of some keys; a key that is not there is absent. */
export type Values = Readonly<Record<string, string>>;

/** A resource whose life is watched. */
export interface Subject {
  readonly name: string;
  readonly kind: string;
  readonly stack: string;
  readonly path: string;
  /** Keys that nobody else owns. */
  readonly keys: readonly string[];
  /** What they may be set to. */
  readonly values: readonly string[];
  /** How often it is chosen. */
  readonly weight: number;
  /** Whether an admin's own notes can stand beside the keys. */
  readonly shared: boolean;
  /** What a program says to give the keys these values and no others. */
  readonly args: (values: Values) => Record<string, unknown>;
  /** The keys in a text of the file. */
  readonly read: (text: string) => Values;
  /** The text without the keys. */
  readonly rest: (text: string) => string;
  /** The text in which an admin has set a key, or taken it out. */
  readonly edit: (text: string, key: string, value: string | undefined) => string;
  /** A database that is built of the file, and how one of its keys is asked for. */
  readonly database?: { readonly type: string; readonly tool: "postalias" | "postmap" };
}

/** Stands in every value that is secret, and may stand in no other place than its file. */
export const CANARY = "canary8472";

/** Keys that are lines of their own, each made by `line` and found by `pattern`. */
function lines(
  line: (key: string, value: string) => string,
  pattern: RegExp,
): Pick<Subject, "rest" | "edit"> & { read: (keys: readonly string[], text: string) => Values } {
  const keyOf = (one: string): string | undefined => pattern.exec(one)?.[1];
  return {
    read: (keys, text) => {
      const found: Record<string, string> = {};
      for (const one of text.split("\n")) {
        const [, key, value] = pattern.exec(one) ?? [];
        if (key !== undefined && value !== undefined && keys.includes(key)) found[key] = value;
      }
      return found;
    },
    rest: (text) =>
      text
        .split("\n")
        .filter((one) => keyOf(one) === undefined)
        .join("\n"),
    edit: (text, key, value) => {
      const all = text.replace(/\n$/, "").split("\n");
      const at = all.findIndex((one) => keyOf(one) === key);
      const without = at < 0 ? all : [...all.slice(0, at), ...all.slice(at + 1)];
      const made = value === undefined ? [] : [line(key, value)];
      const now =
        at < 0 ? [...without, ...made] : [...all.slice(0, at), ...made, ...all.slice(at + 1)];
      return now.length === 0 || (now.length === 1 && now[0] === "") ? "" : `${now.join("\n")}\n`;
    },
  };
}

function keyed(
  subject: Omit<Subject, "read" | "rest" | "edit" | "shared">,
  line: (key: string, value: string) => string,
  pattern: RegExp,
): Subject {
  const { read, rest, edit } = lines(line, pattern);
  return { ...subject, shared: true, read: (text) => read(subject.keys, text), rest, edit };
}

/** Whatever stands at `name=`, quoted or not. */
const RC = /^(ntpd_flags|apmd_flags|sndiod_flags|portmap_flags)="?([^"]*)"?$/;
const rcLine = (key: string, value: string): string => `${key}="${value}"`;
const ALIAS = /^(webmaster|ops|list):\s*(.*)$/;
const VIRTUAL = /^(\w+@example\.com)\s+(.*)$/;
const RELAY = /^(\[\w+\.example\.net\])\s+(.*)$/;
const TRANSPORT = /^(\w+\.example\.org)\s+(.*)$/;
const MAIN = /^(mail_name|recipient_delimiter|mail_spool_directory) = (.*)$/;
const JOBS = ["etc/daily", "etc/weekly", "etc/monthly"] as const;
const JOB = /\/(etc\/(?:daily|weekly|monthly))$/;

export const SUBJECTS: readonly Subject[] = [
  keyed(
    {
      name: "rc",
      kind: "RcConfLocal",
      stack: "one",
      path: "/etc/rc.conf.local",
      keys: ["ntpd_flags", "apmd_flags"],
      values: ["-s", "-A", "-v"],
      weight: 6,
      args: (variables) => ({ variables, boot: "unchanged", logSocket: false }),
    },
    rcLine,
    RC,
  ),
  // Another stack's part of the same file.
  keyed(
    {
      name: "rc-too",
      kind: "RcConfLocal",
      stack: "two",
      path: "/etc/rc.conf.local",
      keys: ["sndiod_flags", "portmap_flags"],
      values: ["-l", "-f"],
      weight: 4,
      args: (variables) => ({ variables, boot: "unchanged", logSocket: false }),
    },
    rcLine,
    RC,
  ),
  {
    ...keyed(
      {
        name: "aliases",
        kind: "Aliases",
        stack: "one",
        path: "/etc/postfix/aliases",
        keys: ["webmaster", "ops", "list"],
        values: ["alice", "bob"],
        weight: 4,
        args: (values) => ({ entries: mapped(values, (value) => [value]) }),
        database: { type: "hash", tool: "postalias" },
      },
      (key, value) => `${key}: ${value}`,
      ALIAS,
    ),
  },
  keyed(
    {
      name: "virtual",
      kind: "LookupTable",
      stack: "one",
      path: "/etc/postfix/virtual",
      keys: ["ann@example.com", "ben@example.com", "cleo@example.com"],
      values: ["alice", "bob"],
      weight: 3,
      args: (entries) => ({ path: "/etc/postfix/virtual", entries }),
      database: { type: "hash", tool: "postmap" },
    },
    (key, value) => `${key}\t${value}`,
    VIRTUAL,
  ),
  // Its values are secret, and the file is not there before.
  keyed(
    {
      name: "secret",
      kind: "LookupTable",
      stack: "one",
      path: "/etc/postfix/sasl_passwd",
      keys: ["[mx1.example.net]", "[mx2.example.net]"],
      values: [`one:${CANARY}a`, `two:${CANARY}b`],
      weight: 2,
      args: (entries) => ({
        path: "/etc/postfix/sasl_passwd",
        entries,
        secretPaths: ["entries"],
      }),
      database: { type: "hash", tool: "postmap" },
    },
    (key, value) => `${key} ${value}`,
    RELAY,
  ),
  // Without a database.
  keyed(
    {
      name: "transport",
      kind: "LookupTable",
      stack: "two",
      path: "/etc/postfix/transport.texthash",
      keys: ["one.example.org", "two.example.org"],
      values: ["smtp:", "lmtp:"],
      weight: 4,
      args: (entries) => ({ path: "/etc/postfix/transport.texthash", type: "texthash", entries }),
    },
    (key, value) => `${key} ${value}`,
    TRANSPORT,
  ),
  {
    name: "body",
    kind: "LookupTable",
    stack: "one",
    path: "/etc/postfix/body_checks.regexp",
    keys: ["text"],
    values: ["/one/ DISCARD\n", "/two/ DISCARD\n# more\n"],
    weight: 4,
    shared: false,
    args: ({ text }) => ({ path: "/etc/postfix/body_checks.regexp", type: "regexp", text }),
    read: (text) => ({ text }),
    rest: () => "",
    edit: (_text, _key, value) => value ?? "# emptied\n",
  },
  {
    name: "crontab",
    kind: "RootCrontab",
    stack: "one",
    path: "/var/cron/tabs/root",
    keys: JOBS,
    values: ["off"],
    weight: 4,
    shared: true,
    args: (values) => ({ commentOut: Object.keys(values) }),
    read: (text) => {
      const off = text.split("\n").filter((line) => line.startsWith("#") && JOB.test(line));
      return Object.fromEntries(off.map((line) => [JOB.exec(line)?.[1] ?? "", "off"]));
    },
    rest: (text) =>
      text
        .split("\n")
        .filter((line) => !JOB.test(line))
        .join("\n"),
    edit: (text, key, value) =>
      text
        .split("\n")
        .map((line) => (JOB.exec(line)?.[1] === key ? line.replace(/^#*/, value ? "#" : "") : line))
        .join("\n"),
  },
  // Judged by the host's own tools each time, which takes seconds.
  keyed(
    {
      name: "main",
      kind: "MainCf",
      stack: "one",
      path: "/etc/postfix/main.cf",
      keys: ["mail_name", "recipient_delimiter"],
      values: ["-", "+"],
      weight: 0.15,
      args: (parameters) => ({ parameters }),
    },
    (key, value) => `${key} = ${value}`,
    MAIN,
  ),
];

function mapped(values: Values, to: (value: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, to(value)]));
}

export function subjectOf(name: string): Subject {
  const found = SUBJECTS.find((subject) => subject.name === name);
  if (found === undefined) throw new Error(`there is no subject ${name}`);
  return found;
}
