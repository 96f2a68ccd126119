/** A host that answers from maps: for what is decided of it, not for how it is asked. */
import type { Change, JudgeContext, Plan } from "../../../provider/contract/kind";
import type {
  Answers,
  Facts,
  FileState,
  HostReader,
  Judgement,
  RunResult,
} from "../../../provider/host/host";
import type { Declarations } from "../../../provider/judge";
import { EMPTY_RECORD, type Json } from "../../../provider/host/record";
import { candidateOf, type Complaint, type Knowledge } from "../../../provider/judge/candidate";
import { complaintsOf } from "../../../provider/judge/rules";
import { platformOf } from "../../../provider/openbsd/platform";

export const MAIN = "/etc/postfix/main.cf";
export const MASTER = "/etc/postfix/master.cf";

const GUARD = "permit_mynetworks, reject_unauth_destination";

/** As `postconf -d` prints them, as far as the tests need them. */
export const DEFAULTS: Readonly<Record<string, string>> = {
  smtpd_client_restrictions: "",
  smtpd_helo_restrictions: "",
  smtpd_sender_restrictions: "",
  smtpd_relay_restrictions: GUARD,
  smtpd_recipient_restrictions: "",
  smtpd_restriction_classes: "",
  smtpd_sender_login_maps: "",
  smtpd_tls_security_level: "",
  smtpd_milters: "",
  smtp_tls_security_level: "",
  lmtp_tls_security_level: "",
  smtp_fallback_relay: "$fallback_relay",
  smtpd_client_event_limit_exceptions: "${smtpd_client_connection_limit_exceptions:$mynetworks}",
  forward_path: "$home/.forward",
  mynetworks: "127.0.0.0/8",
  mydestination: "localhost",
  relay_domains: "",
  relayhost: "",
  transport_maps: "",
  alias_maps: "",
  virtual_alias_maps: "",
  virtual_alias_domains: "$virtual_alias_maps",
  virtual_mailbox_domains: "",
  postscreen_access_list: "permit_mynetworks",
  inet_interfaces: "all",
  inet_protocols: "ipv4",
  config_directory: "/tmp/private/after",
};

export const KNOWLEDGE: Knowledge = {
  isInstalled: true,
  areNamesKnown: true,
  defaults: new Map(Object.entries(DEFAULTS)),
  tableTypes: new Set(["hash", "cidr", "regexp", "static", "inline", "texthash", "pcre"]),
  sasl: { servers: new Set(["dovecot"]), clients: new Set() },
  daemons: new Set(["smtpd", "smtp", "lmtp", "local", "pipe"]),
};

export const SMTPD = "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\n";

/** What the rules of our own find, on a host where all files are. */
export function found(
  main: string,
  master = SMTPD,
  files: Readonly<Record<string, string>> = {},
  knowledge = KNOWLEDGE,
): Complaint[] {
  return complaintsOf(candidateOf(main, master, knowledge), {
    read: (path) => files[path],
    isThere: () => true,
    declared: { userDefined: [] },
  });
}

export function reasons(...args: Parameters<typeof found>): string[] {
  return found(...args).map(({ file, line, reason }) => `${file}, line ${line}: ${reason}`);
}

export function stateOf(contents: string | undefined): FileState {
  return contents === undefined
    ? { type: "absent" }
    : { type: "file", mode: 0o644, uid: 0, gid: 0, contents, size: contents.length };
}

const fine: RunResult = {
  ...{ exitCode: 0, signal: null, stdout: "", stderr: "" },
  ...{ truncated: false, timedOut: false },
};

/** Names twice what postalias(1) and postmap(1) name: entries whose key was there before. */
function built(contents: string): RunResult {
  const seen = new Set<string>();
  const stderr = contents
    .split("\n")
    .map((line) => line.split(/[\s:]/)[0] ?? "")
    .filter((key) => key !== "" && (seen.has(key) || !seen.add(key)))
    .map((key) => `postmap: warning: x.db: duplicate entry: "${key}"\n`)
    .join("");
  return { ...fine, stderr };
}

export interface Fake extends HostReader {
  /** Requests so far. */
  readonly asked: { read: string[][]; judge: Judgement[] };
}

/** @param says what `postconf -n` says of the candidate */
export function fakeHost(files: Readonly<Record<string, string>>, says = ""): Fake {
  const asked: Fake["asked"] = { read: [], judge: [] };
  return {
    asked,
    address: "root@mx",
    fingerprint: "SHA256:x",
    fingerprints: ["SHA256:x"],
    system: {
      ...{ name: "OpenBSD", release: "7.8", machine: "amd64", hostname: "mx" },
      ...{ perl: "5.40", uid: 0, hostKeys: [] },
    },
    read: <F extends Facts>(facts: F) => {
      asked.read.push(Object.values(facts).map((fact) => ("path" in fact ? fact.path : "")));
      const answers = Object.entries(facts).map(([name, fact]) => [
        name,
        fact.fact === "file" ? stateOf(files[fact.path]) : [...KNOWLEDGE.daemons],
      ]);
      return Promise.resolve(Object.fromEntries(answers) as Answers<F>);
    },
    judge: (judgement) => {
      asked.judge.push(judgement);
      return Promise.resolve(
        judgement.commands.map(({ argv }): RunResult => {
          if (argv[1] === "-a") return { ...fine, stdout: "dovecot\n" };
          if (argv[1] === "-m") return { ...fine, stdout: [...KNOWLEDGE.tableTypes].join("\n") };
          if (argv.at(-1) === "-d")
            return {
              ...fine,
              stdout: Object.entries(DEFAULTS)
                .map(([name, value]) => `${name} = ${value}\n`)
                .join(""),
            };
          const table = /^\w+:\{dir\}\/(\S+)$/.exec(argv.at(-1) ?? "")?.[1];
          if (table !== undefined) return built(judgement.files[table] ?? "");
          if (argv.at(-1) === "-n" && argv.includes("{dir}/after"))
            return { ...fine, stderr: says };
          return fine;
        }),
      );
    },
  };
}

export function write(path: string, contents: string, before?: string): Change {
  return { change: "write", path, found: stateOf(before), contents };
}

export interface Heard extends JudgeContext {
  readonly warnings: string[];
}

/** What is judged: a plan, after earlier steps of the same program that made these changes. */
export function contextOf(
  host: HostReader,
  changes: readonly Change[],
  earlier: readonly Change[] = [],
  declarations?: Declarations,
): Heard {
  const warnings: string[] = [];
  const declared = new Map<string, Json>(
    declarations === undefined ? [] : [["urn:before", declarations as unknown as Json]],
  );
  const of = (path: string): Change | undefined =>
    earlier.find((change) => change.change === "write" && change.path === path);
  return {
    host,
    plan: { changes },
    warnings,
    platform: platformOf("7.8"),
    record: EMPTY_RECORD,
    coming: () => false,
    comingItself: () => false,
    expected: () => undefined,
    brought: () => undefined,
    note: () => undefined,
    predicted: (path) => {
      const change = of(path);
      return change?.change === "write" ? stateOf(change.contents) : undefined;
    },
    found: (path) => {
      const change = of(path);
      return change?.change === "write" ? change.found : undefined;
    },
    declare: (more) => void declared.set("urn:now", more),
    declared: () => declared,
    warn: (text) => warnings.push(text),
  };
}

/** The same judgement of another plan. */
export function judging(context: Heard, changes: readonly Change[]): Heard {
  const plan: Plan = { changes };
  return { ...context, plan };
}
