/** The judgement on a host that has no Postfix yet: by what is known of the package that the plan will install. */
import * as provider from "../../provider";
import { forgetPlans } from "../../provider/driver/overlay";
import { services } from "../../provider/formats/masterCf";
import { parsePackage } from "../../provider/openbsd/packages";
import {
  CONFIGURATION_FILES,
  daemonsOf,
  defaultsOf,
  mainCfOf,
  masterCfOf,
  tableTypesOf,
} from "../../provider/postfix/packageContents";
import { parameters } from "../../provider/formats/mainCf";
import { servicesOf } from "../../provider/postfix/masterServices";
import { settingsIn } from "../../provider/postfix/postconf";
import { diffTrees, startHost, type Release, type TestHost, type Tree } from "../../testing";
import { broken } from "../corpus/broken";
import { type Broken, type Configuration, MAIN, MASTER } from "../corpus/case";
import { valid } from "../corpus/valid";
import { connectionTo, FAMILIES, packageOf, sh } from "../preview/server";
import { create, inputsOf, said } from "./provider";

/** The type by which main.cf or master.cf names a table. */
function typeOf(path: string, { main = {}, master = "" }: Configuration): string | undefined {
  const values = Object.entries(main).flatMap(([name, value]) =>
    /^alias_/.test(name) ? [] : [value ?? ""],
  );
  const types = [...values, master].flatMap((value) =>
    [...value.matchAll(/([a-z]+):(\/[\w./-]+)/g)].flatMap(([, type = "", named]) =>
      named === path ? [type] : [],
    ),
  );
  return types[0];
}

/** Lines of main.cf as a program says them; `undefined` where a program cannot. */
function parametersOf({
  main = {},
  mainLines = "",
}: Configuration): Record<string, unknown> | undefined {
  const lines = parameters(mainLines);
  const isWhole = mainLines.split("\n").filter((line) => /^\S/.test(line)).length === lines.size;
  if (!isWhole) return undefined;
  return { ...Object.fromEntries([...lines].map(([name, { value }]) => [name, value])), ...main };
}

/** What the steps of a new server say in their first preview. */
async function judged(
  host: TestHost,
  one: Configuration,
): Promise<{ failures: string; warnings: string }> {
  forgetPlans();
  said();
  const tables = Object.entries(one.files ?? {}).flatMap(([path, text]) => {
    const type = typeOf(path, one);
    return type === undefined || type === "alias"
      ? []
      : [["LookupTable", { path, type, text }] as const];
  });
  const lines: [string, unknown][] = [...services(one.master ?? "")].map(
    ([name, { line: _, ...service }]) => [name, service],
  );
  const steps: (readonly [string, Record<string, unknown>])[] = [
    ["PostfixPackage", { ...packageOf(host.release), flavors: ["sasl2"] }],
    ...tables,
    ...(lines.length === 0 ? [] : [["MasterCf", { services: Object.fromEntries(lines) }] as const]),
    [
      "MainCf",
      {
        parameters: parametersOf(one) ?? {},
        ...(one.userDefined === undefined ? {} : { userDefined: one.userDefined }),
      },
    ],
    ["PostfixService", {}],
  ];
  const failed: string[] = [];
  for (const [kind, args] of steps) {
    const name = typeof args["path"] === "string" ? `${kind}-${args["path"]}` : kind;
    const options = { preview: true, name };
    const news = inputsOf(kind, args, connectionTo(host), options);
    const { failures } = await provider.check(kind, {}, news);
    failed.push(...failures.map(({ reason }) => `${kind}: ${reason}`));
  }
  return { failures: failed.join("\n"), warnings: said() };
}

/** Files that a corpus has, and that no step of the provider writes: their names stand in main.cf without a type. */
function isWritable({ files = {}, ...one }: Configuration): boolean {
  return Object.keys(files).every((path) => typeOf(path, one) !== undefined);
}

const isFor = (release: Release, { modern, ancient }: Configuration): boolean =>
  release === "4.7" ? modern !== true : ancient !== true;

/** What no program can say: lines that the arguments of a step do not take. */
function isSayable(one: Configuration): boolean {
  const { services: read, faults } = servicesOf(one.master ?? "");
  const isWhole = services(one.master ?? "").size === read.length && faults.length === 0;
  return parametersOf(one) !== undefined && isWritable(one) && isWhole;
}

/** Is it caught, by the judgement or because the step itself takes no such text? */
function isCaught(failures: string, one: Broken): boolean {
  return failures.includes(one.says) || /^(LookupTable|MasterCf): /m.test(failures);
}

describe.each(["7.8", "4.7"] as const)("OpenBSD %s", (release) => {
  let host: TestHost;
  let before: Tree;
  beforeAll(async () => {
    host = await startHost({ release });
    before = await host.snapshot();
  });
  afterAll(() => host.stop());

  test("of the corpus, as much is caught as on a host with Postfix (within two), and no valid configuration fails", async () => {
    const all = broken.filter((one) => isFor(release, one) && one.unseen !== true);
    const missed: string[] = [];
    const cannot: string[] = [];
    for (const one of all) {
      if (!isSayable(one)) cannot.push(one.name);
      else {
        const answer = await judged(host, one);
        if (!isCaught(answer.failures, one))
          missed.push(`${one.name}: ${answer.failures || answer.warnings}`);
      }
    }
    const good = valid.filter((one) => isFor(release, one) && isSayable(one));
    const alarms: string[] = [];
    for (const one of good) {
      const { failures } = await judged(host, one);
      if (failures !== "") alarms.push(`${one.name}: ${failures}`);
    }
    process.stderr.write(
      `corpus on a bare ${release}: of ${all.length} broken configurations ${cannot.length} cannot be said by a program, ` +
        `${all.length - cannot.length - missed.length} of the others are caught; ${good.length - alarms.length} of ${good.length} valid ones pass.\n`,
    );
    expect(alarms).toEqual([]);
    expect(missed.length <= 2 ? [] : missed).toEqual([]);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  }, 600_000);
});

describe("before Postfix is installed, the first preview of OpenBSD 7.8", () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost({ release: "7.8" });
  });
  afterAll(() => host.stop());

  test.each<readonly [string, Record<string, string>, RegExp]>([
    ["relays nothing to strangers", { mynetworks: "0.0.0.0/0" }, /relays mail for everybody/],
    ["has a guard", { smtpd_relay_restrictions: "permit" }, /takes no mail: smtpd\(8\) ends/],
    ["has the flavor", { virtual_alias_maps: "mysql:/etc/postfix/m.cf" }, /flavor "mysql"/],
    ["has such tables", { virtual_alias_maps: "hsh:/etc/postfix/v" }, /no table type "hsh"/],
    ["has such a protocol", { inet_protocols: "ipv5" }, /takes all, ipv4, ipv6, not "ipv5"/],
    ["delivers", { mailbox_size_limit: "1000" }, /local\(8\) refuses to deliver/],
    [
      "has one class for a domain",
      { mydestination: "a.example", virtual_mailbox_domains: "a.example" },
      /a\.example is in my/,
    ],
    [
      "also by reference",
      { mydestination: "a.example", virtual_mailbox_domains: "$mydestination" },
      /a\.example is in my/,
    ],
    [
      "has the programs",
      { daemon_directory: "/usr/libexec/postfix" },
      /brings its programs in \/usr\/local/,
    ],
    [
      "has the account",
      { mail_owner: "postfix" },
      /mail_owner is "postfix", and this host has no such user/,
    ],
    ["has the group", { setgid_group: "postdrop" }, /this host has no such group/],
    [
      "has the table",
      { transport_maps: "hash:/etc/postfix/routes" },
      /neither \/etc\/postfix\/routes nor/,
    ],
  ])("says whether the server %s", async (_what, main, wanted) => {
    const { failures } = await judged(host, { name: "", main });
    expect(failures).toMatch(wanted);
    // Lines of a file that is not there yet would say nothing.
    expect(failures).not.toMatch(/main\.cf, line/);
  });

  test("says what waits for Postfix, and accepts an account that the host has", async () => {
    const { failures, warnings } = await judged(host, { name: "", main: { mail_owner: "daemon" } });
    expect(failures).toBe("");
    expect(warnings).toMatch(/judged for Postfix 3\.\d+\S* by rules only: .* when it is installed/);
  });

  test("says that a service of master.cf is neither there nor described", async () => {
    forgetPlans();
    const check = (
      kind: string,
      args: Record<string, unknown>,
    ): ReturnType<typeof provider.check> =>
      provider.check(kind, {}, inputsOf(kind, args, connectionTo(host), { preview: true }));
    await check("PostfixPackage", packageOf("7.8"));
    const { failures } = await check("MasterCf", { services: { "smpt/inet": { maxproc: "5" } } });
    expect(failures[0]?.reason).toMatch(/has no service smpt\/inet: give its command/);
    expect(
      (await check("MasterCf", { services: { "smtp/inet": { maxproc: "5" } } })).failures,
    ).toEqual([]);
  });
});

describe.each(FAMILIES)("the package of OpenBSD %s", (release) => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost({ release });
    forgetPlans();
    await create(
      "PostfixPackage",
      inputsOf("PostfixPackage", packageOf(release), connectionTo(host)),
    );
  });
  afterAll(() => host.stop());

  test("is known as it is before it is installed", async () => {
    const [name = ""] = (await sh(host, "ls /var/db/pkg")).match(/^postfix-\d.*$/m) ?? [];
    const coming = parsePackage(name) as NonNullable<ReturnType<typeof parsePackage>>;
    const lines = async (command: string): Promise<string[]> =>
      (await sh(host, command)).split(/\s+/).filter((word) => word !== "");
    const types = await lines("/usr/local/sbin/postconf -m");
    expect(types.filter((type) => !tableTypesOf(coming).has(type))).toEqual([]);
    const programs = await lines("ls /usr/local/libexec/postfix");
    expect([...daemonsOf(coming)].filter((daemon) => !programs.includes(daemon))).toEqual([]);
    const master = await sh(host, `cat ${MASTER}`);
    const keys = (text: string): string[] =>
      servicesOf(text)
        .services.map((one) => `${one.name}/${one.type} ${one.daemon}`)
        .sort();
    expect(keys(masterCfOf(coming))).toEqual(keys(master));
    const set = (text: string): Record<string, string> =>
      Object.fromEntries([...parameters(text)].map(([key, { value }]) => [key, value]));
    expect(set(await sh(host, `cat ${MAIN}`))).toMatchObject(set(mainCfOf(coming)));
    const defaults = settingsIn(await sh(host, "/usr/local/sbin/postconf -d 2>/dev/null"));
    const wrong = [...defaultsOf(coming)].filter(
      ([key, value]) =>
        key in defaults &&
        defaults[key] !== value &&
        !/compatibility_level/.test(defaults[key] ?? ""),
    );
    expect(wrong).toEqual([]);
    const missing = CONFIGURATION_FILES.map((path) => path.split("/").at(-1) ?? "");
    const there = await lines("ls /etc/postfix");
    expect(missing.filter((file) => !there.includes(file))).toEqual([]);
  });
});
