/** The judgement of a whole plan, and its warnings of what was wrong before. */
import type { Change, Failure } from "../../../provider/contract/kind";
import {
  parseRecord,
  recordFile,
  EMPTY_RECORD,
  type HostRecord,
} from "../../../provider/host/record";
import {
  judgeConfiguration,
  settledLater,
  tableQuestion,
  declarationClaims,
} from "../../../provider/judge";
import { declarationsOf } from "../../../provider/judge/declarations";
import { platformOf } from "../../../provider/openbsd/platform";
import { violations } from "../../../provider/arguments/schema";
import { Overlay } from "../../../provider/driver/overlay";
import { aliases } from "../../../provider/kinds/aliases";
import { lookupTable } from "../../../provider/kinds/lookupTable";
import { mainCf } from "../../../provider/kinds/mainCf";
import { masterCf } from "../../../provider/kinds/masterCf";
import {
  type Fake,
  type Heard,
  MAIN,
  MASTER,
  SMTPD,
  contextOf,
  fakeHost,
  judging,
  stateOf,
  write,
} from "./fake";

const NETS = "/etc/postfix/nets";

/** A first plan of a resource on a host without a record. */
const PLANNING = {
  platform: platformOf("7.8"),
  record: EMPTY_RECORD,
  owner: { urn: "urn:main", instance: "1" },
  dropped: [],
  applied: undefined,
  coming: () => false,
  comingItself: () => false,
  expected: () => undefined,
  brought: () => undefined,
  note: () => undefined,
  isSecret: () => false,
};

async function judged(
  host: Fake,
  changes: readonly Change[],
  context: Heard = contextOf(host, changes),
): Promise<string> {
  const failures = await judgeConfiguration({ path: () => "x" }, judging(context, changes));
  return failures.map(({ reason }) => reason).join("\n");
}

const text = (failures: readonly Failure[]): string =>
  failures.map(({ path, reason }) => `${path}: ${reason}`).join("\n");

describe("what MainCf says of the judgement", () => {
  const main = "site_contact = alice\n";
  const host = fakeHost({ [MAIN]: "", [MASTER]: SMTPD });
  const later = [write(MAIN, main, "")];

  test("holds for those who judge after it", async () => {
    const context = contextOf(host, [], later);
    expect(await judged(host, [], context)).toMatch(/site_contact is no parameter/);
    const args = { parameters: { site_contact: "alice" }, userDefined: ["site_contact"] };
    await mainCf.judge?.({} as never, args, judging(context, later));
    expect(await judged(host, [], context)).toBe("");
  });

  test("and so do rules that are set aside, by MainCf or MasterCf", async () => {
    const open = [write(MAIN, "mynetworks = 0.0.0.0/0\n", "")];
    expect(await judged(host, [], contextOf(host, [], open))).toMatch(/relays.*in MainCf's accept/);
    const context = contextOf(host, [], open, { userDefined: [], accept: ["openRelay"] });
    expect(await judged(host, [], context)).toBe("");
    expect(context.warnings.join()).toMatch(/relays mail for everybody/);
  });

  test("is kept in the record for runs in which MainCf has nothing to do", () => {
    const owner = { urn: "urn:main", instance: "1" };
    const [claim] = declarationClaims({ accept: ["openRelay"] }, owner);
    if (claim === undefined) throw new Error("nothing is claimed");
    expect(claim.noted).toBe(true);
    const { key, before, applied } = claim;
    const record: HostRecord = {
      ...EMPTY_RECORD,
      keys: { [key]: { owner, order: 1, before, applied } },
    };
    const overlay = new Overlay();
    const declared = () =>
      declarationsOf({
        record: parseRecord(recordFile(record)),
        declared: () => overlay.declared,
      });
    expect(declared()).toEqual({ userDefined: [], accept: ["openRelay"] });
    overlay.declare("urn:other", { userDefined: ["a"], accept: [] });
    expect(declared()).toEqual({ userDefined: ["a"], accept: ["openRelay"] });
    // What a resource declares in this run replaces what the record has of it.
    overlay.declare("urn:main", { userDefined: [], accept: [] });
    expect(declared()).toEqual({ userDefined: ["a"], accept: [] });
    expect(declarationClaims({ accept: [] }, owner)).toEqual([]);
  });
});

describe("tables", () => {
  const reads = `mynetworks = cidr:${NETS}\n`;

  test("named by a folder that has only a default are looked for where they are", async () => {
    const main = "transport_maps = hash:$config_directory/transport\nmydomain = a.example\n";
    const host = fakeHost({
      [MAIN]: "",
      [MASTER]: SMTPD,
      "/etc/postfix/transport": "a.example.org smtp:\n",
    });
    const context = contextOf(host, []);
    const failures = await judged(host, [write(MAIN, main, "")], context);
    expect(failures).toMatch(/has no database \/etc\/postfix\/transport\.db/);
    expect(failures).not.toMatch(/ \/transport/);
  });

  test("named by what only this Postfix's defaults tell are read in one more request", async () => {
    const main = "relay_domains = /$relayhost_file\n";
    const files = { [MAIN]: "", [MASTER]: SMTPD, "/alias_maps": "a.example\n" };
    const host = fakeHost(files);
    // The name is known with the host's defaults only.
    await judged(host, [write(MAIN, main.replace("relayhost_file", "mydestination"), "")]);
    expect(host.asked.read).toHaveLength(4);
    expect(host.asked.read[3]).toEqual(["/localhost"]);
  });

  test("that change alone are judged with the main.cf that reads them", async () => {
    const host = fakeHost({ [MAIN]: reads, [MASTER]: SMTPD, [NETS]: "10.0.0.0/8 x\n" });
    const change = write(NETS, "0.0.0.0/0 x\n", "10.0.0.0/8 x\n");
    expect(await judged(host, [], contextOf(host, [], [change]))).toMatch(
      /relays mail for everybody/,
    );
    const own = await judgeConfiguration(
      tableQuestion({ changes: [change] }, "text"),
      contextOf(host, [change]),
    );
    expect(text(own)).toMatch(/^text: .*relays mail for everybody/);
  });

  test("that nothing reads, or that stay, cost no judgement", async () => {
    const host = fakeHost({ [MAIN]: reads, [MASTER]: SMTPD, [NETS]: "10.0.0.0/8 x\n" });
    expect(await judged(host, [write("/etc/postfix/other", "0.0.0.0/0 x\n")])).toBe("");
    expect(await judged(host, [write(NETS, "10.0.0.0/8 x\n", "10.0.0.0/8 x\n")])).toBe("");
    expect(host.asked.judge).toEqual([]);
    expect(await judged(fakeHost({}), [write(NETS, "0.0.0.0/0 x\n")])).toBe("");
  });

  test("leave to later steps what these may settle, and no open relay", async () => {
    const main = "transport_maps = hash:/etc/postfix/routes\n";
    const host = fakeHost({ [MAIN]: main, [MASTER]: SMTPD, "/etc/postfix/routes": "" });
    const change = write("/etc/postfix/routes", "a.example slow:\n", "");
    const context = contextOf(host, [change]);
    expect(
      await judgeConfiguration(tableQuestion({ changes: [change] }, "entries"), context),
    ).toEqual([]);
    expect(context.warnings.join()).toMatch(/no service "slow".*unless a later step/);
  });

  test("are asked by the steps that write them", async () => {
    const file = stateOf("10.0.0.0/8 x\n");
    const host = fakeHost({ [MAIN]: reads, [MASTER]: SMTPD, [NETS]: "10.0.0.0/8 x\n" });
    const own = await lookupTable.judge?.(
      { file, database: undefined, types: ["cidr"], refusal: undefined, uid: 0, gid: 0 },
      { path: NETS, type: "cidr", text: "0.0.0.0/0 x\n" },
      contextOf(host, [write(NETS, "0.0.0.0/0 x\n", "10.0.0.0/8 x\n")]),
    );
    expect(text(own ?? [])).toMatch(/^text: .*relays mail for everybody/);
  });

  test("of aliases are built before, and what was wrong in them before is a warning", async () => {
    const path = "/etc/postfix/aliases";
    const old = "root: alice\nroot: bob\n";
    const host = fakeHost({ [MAIN]: "", [MASTER]: SMTPD, [path]: old });
    const context = contextOf(host, []);
    const of = (after: string) =>
      aliases.judge?.(
        { file: stateOf(old), users: new Set(["alice", "bob"]) } as never,
        { entries: {}, file: path },
        judging(context, [write(path, after, old)]),
      );
    expect(await of(`${old}staff: alice\n`)).toEqual([]);
    expect(context.warnings.join()).toMatch(/already so before: .*duplicate entry: "root"/);
    expect(text((await of(`${old}staff: alice\nstaff: bob\n`)) ?? [])).toMatch(
      /^entries: .*duplicate entry: "staff"/,
    );
  });

  test("that had a key twice before are warned of", async () => {
    const ALIASES = "/etc/postfix/aliases";
    const old = "root: alice\nroot: bob\n";
    const main = `alias_maps = hash:${ALIASES}\n`;
    const host = fakeHost({ [MAIN]: "", [MASTER]: SMTPD, [ALIASES]: old });
    const plan = (contents: string): readonly Change[] => [write(ALIASES, contents, old)];
    const context = contextOf(host, [], plan(`${old}staff: alice\n`));
    expect(await judged(host, [write(MAIN, main, "")], context)).toBe("");
    expect(context.warnings.join()).toMatch(
      /already so before: .*aliases, line 2: has "root" twice/,
    );
    const worse = await judged(
      host,
      [write(MAIN, main, "")],
      contextOf(host, [], plan(`${old}staff: alice\nstaff: bob\n`)),
    );
    expect(worse).toMatch(
      /line 4: has "staff" twice: the first is in force\. If .*"table" in Main/,
    );
    expect(worse).not.toMatch(/root/);
  });
});

describe("a master.cf", () => {
  const services = (overrides: Record<string, string>): Record<string, unknown> => ({
    "submission/inet": { command: "smtpd", overrides },
  });
  const judgedMaster = async (overrides: Record<string, string>, accept?: string[]) => {
    const host = fakeHost({ [MAIN]: "", [MASTER]: SMTPD });
    const lines = Object.entries(overrides).map(([name, value]) => `  -o ${name}=${value}\n`);
    const after = `${SMTPD}submission inet n - y - - smtpd\n${lines.join("")}`;
    const context = contextOf(host, [write(MASTER, after, SMTPD)]);
    const failures = await masterCf.judge?.(
      { file: stateOf(SMTPD), version: "3.7.11" },
      { services: services(overrides) as never, ...(accept ? { accept } : {}) },
      context,
    );
    return { failures: text(failures ?? []), warnings: context.warnings.join("\n") };
  };

  test("fails by what its overrides say themselves", async () => {
    const { failures } = await judgedMaster({
      smtpd_relay_restrictions: "permit",
      smtpd_tls_securty_level: "encrypt",
      smtpd_helo_restrictions: "permit_my_networks",
    });
    expect(failures).toMatch(
      /^services\["submission\/inet"\]: .*did you mean smtpd_tls_security_l/m,
    );
    expect(failures).toMatch(
      /^services\["submission\/inet"\]: .*submission takes no mail: smtpd\(8\) ends/m,
    );
    expect(failures).toMatch(/^services\["submission\/inet"\]: .*did you mean permit_mynetworks/m);
    expect(failures).toMatch(/"openRelay" in MasterCf's accept/);
  });

  test("is warned of what main.cf may yet bring", async () => {
    const { failures, warnings } = await judgedMaster({
      smtpd_relay_restrictions: "$mua_relay_restrictions",
      smtpd_helo_restrictions: "greylist",
      smtpd_sender_login_maps: "hash:/etc/postfix/logins",
      my_content_filter: "x",
    });
    expect(failures).toBe("");
    for (const word of ["mua_relay_restrictions", "greylist", "logins", "my_content_filter"])
      expect(warnings).toMatch(new RegExp(`${word}.*unless a later step sets it`));
  });

  test("that turns SASL on waits for the type that main.cf names, unless it names one itself", async () => {
    const later = await judgedMaster({ smtpd_sasl_auth_enable: "yes" });
    expect(later.failures).toBe("");
    expect(later.warnings).toMatch(/no SASL of the type "cyrus".*unless a later step sets it/);
    const wrong = { smtpd_sasl_auth_enable: "yes", smtpd_sasl_type: "dovecat" };
    expect((await judgedMaster(wrong)).failures).toMatch(/"dovecat".*did you mean dovecot\?/);
    const right = await judgedMaster({ ...wrong, smtpd_sasl_type: "dovecot" });
    expect(`${right.failures}${right.warnings}`).not.toContain("SASL");
  });

  test("may be what a rule forbids where `accept` names the rule", async () => {
    const { failures, warnings } = await judgedMaster({ smtpd_relay_restrictions: "permit" }, [
      "openRelay",
    ]);
    expect(failures).toBe("");
    expect(warnings).toMatch(/takes no mail: smtpd\(8\) ends/);
    expect(violations(masterCf.arguments, { services: {}, accept: ["relay"] })).toEqual([
      expect.objectContaining({ path: "accept[0]" }),
    ]);
  });

  test("that refers to nothing is settled by nothing", () => {
    const complaint = { rule: "name", file: MASTER, reason: "x" } as const;
    expect(settledLater(complaint)).toBe(true);
    expect(settledLater({ ...complaint, final: true })).toBe(false);
    expect(settledLater({ ...complaint, rule: "value" })).toBe(false);
  });
});

describe("a main.cf", () => {
  test.each(["foo/bar", "-x", ".a", "a b"])("takes no name %j", (name) => {
    expect(violations(mainCf.arguments, { parameters: { [name]: "x" } })).toHaveLength(1);
  });

  test.each(["policy@x", "policyd-spf_time_limit", "2bounce_notice_recipient"])(
    "takes the name %s, as the editor does",
    (name) => {
      expect(violations(mainCf.arguments, { parameters: { [name]: "x" } })).toEqual([]);
    },
  );

  test("takes no half a character", () => {
    expect(violations(mainCf.arguments, { parameters: { mydomain: "\ud800" } })).toEqual([
      expect.objectContaining({ path: "parameters.mydomain" }),
    ]);
  });

  test("is shown with bytes that are no UTF-8", () => {
    const observed = { file: stateOf("mydomain = \xff\n"), nonDefault: {}, effective: {} };
    const args = { parameters: { mydomain: "x" } };
    const live = mainCf.live(observed, args, undefined as never);
    expect(live.parameters).toEqual({ mydomain: "\\xff" });
  });

  test.each([
    ["inet_interfaces = $my_if\nmy_if = 192.0.2.1\n", "restart"],
    ["inet_interfaces = all\n", "restart"],
    ["my_if = 192.0.2.2\ninet_interfaces = ${my_if}\nbiff = no\n", "reload"],
  ])("%j is told to Postfix by a restart where it must be", (after, need) => {
    const before = "inet_interfaces = $my_if\nmy_if = 192.0.2.2\n";
    const observed = { file: stateOf(before), nonDefault: {}, effective: {} };
    const parameters = Object.fromEntries(
      [...after.matchAll(/^(\w+) = (.*)$/gm)].map(([, name, value]) => [name, value]),
    ) as Record<string, string>;
    const removed = /^my_if/m.test(after) ? {} : { my_if: null };
    const plan = mainCf.plan(observed, { parameters: { ...parameters, ...removed } }, PLANNING);
    expect(plan.tells?.need).toBe(need);
  });
});
