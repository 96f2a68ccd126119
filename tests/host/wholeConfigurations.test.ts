/**
 * Whole configurations as servers have them: none fails in the preview, neither where the host has it already and a
 * program changes a little, nor where a program writes all of it on a host with the package's own files.
 */
import * as provider from "../../provider";
import type { ConnectionArgs } from "../../provider/arguments/connection";
import type { Change } from "../../provider/contract/kind";
import { forgetPlans, overlayOf } from "../../provider/driver/overlay";
import { parameters, set } from "../../provider/formats/mainCf";
import { services } from "../../provider/formats/masterCf";
import { startHost, type TestHost } from "../../testing";
import { broken } from "../corpus/broken";
import { type Broken, MAIN, MASTER } from "../corpus/case";
import { whole, type WholeConfiguration } from "../corpus/whole";
import { connectionTo, sh } from "../preview/server";
import { create, inputsOf, said } from "./provider";

type Values = Record<string, unknown>;

interface Site {
  readonly host: TestHost;
  readonly main: string;
  readonly master: string;
}

/** A table as main.cf or master.cf names it, and how it is built and said. */
interface Table {
  readonly type: string;
  readonly path: string;
  readonly text: string;
  readonly isAlias: boolean;
}

const BUILT = ["hash", "btree"];

/** Where other programs keep tables of their own: a LookupTable is not written there. */
const SYSTEM = /^\/(usr|var\/spool)\//;

/** Where the test keeps what it puts back after each configuration. */
const KEPT = "/var/kept";

async function site(flavor: string | undefined): Promise<Site> {
  const host = await startHost({ release: "7.8" });
  // Many log in by Cyrus SASL, by default.
  const args = { flavors: ["sasl2", ...(flavor === undefined ? [] : [flavor])] };
  await create("PostfixPackage", inputsOf("PostfixPackage", args, connectionTo(host)));
  await sh(host, `mkdir ${KEPT} && cp -Rp /etc/postfix /etc/mail ${KEPT}/`);
  return {
    host,
    main: await sh(host, `cat ${MAIN}`),
    master: await sh(host, `cat ${MASTER}`),
  };
}

/** The tables of a configuration whose texts are among its files. */
function tablesOf({ main, master, files = {} }: WholeConfiguration): Table[] {
  const settings = [...parameters(main)].map(([name, { value }]) => [name, value] as const);
  const all = [...settings, ["", master] as const];
  const found = new Map<string, Table>();
  for (const [name, value] of all)
    for (const [, type = "", path = ""] of plain(value).matchAll(/\b([a-z]+):(\/[^\s,{}]+)/g)) {
      const text = files[path];
      const isAlias = /^alias_/.test(name);
      if (text !== undefined && !(found.get(path)?.isAlias ?? false))
        found.set(path, { type, path, text, isAlias });
    }
  return [...found.values()];
}

/** The tables that a program says as LookupTables. */
function writtenTables(one: WholeConfiguration): Table[] {
  return tablesOf(one).filter(({ isAlias, path }) => !isAlias && !SYSTEM.test(path));
}

/** A value with the name of the folder, as far as tables need it. */
function plain(value: string): string {
  return value.replace(/\$config_directory|\$\{config_directory\}/g, "/etc/postfix");
}

/** Makes the configuration that of the host, with its databases, as an admin does by hand. */
async function adopt(
  { host }: Site,
  one: WholeConfiguration,
  databases?: readonly string[],
): Promise<void> {
  const files = { ...one.files, [MAIN]: one.main, [MASTER]: one.master };
  const writes = Object.entries(files).map(
    ([path, text]) =>
      `mkdir -p "$(dirname '${path}')"; cat > '${path}' <<'END OF FILE'\n${text}END OF FILE\n`,
  );
  const builds = tablesOf(one)
    .filter(({ type, path }) => BUILT.includes(type) && (databases?.includes(path) ?? true))
    .map(
      ({ type, path, isAlias }) =>
        `/usr/local/sbin/${isAlias ? "postalias" : "postmap"} -c ${KEPT}/postfix ${type}:'${path}'\n`,
    );
  // Postfix waits until what it reads is two seconds old.
  await sh(host, `${writes.join("")}touch -t 202001010000 ${MAIN} ${MASTER}\n${builds.join("")}`);
}

/** Takes the configuration away again. */
async function leave({ host }: Site, one: WholeConfiguration): Promise<void> {
  const paths = Object.keys(one.files ?? {}).flatMap((path) => [`'${path}'`, `'${path}.db'`]);
  await sh(
    host,
    `rm -rf ${paths.join(" ")} /etc/postfix /etc/mail; cp -Rp ${KEPT}/postfix ${KEPT}/mail /etc/`,
  );
}

/** Warnings of what does no harm or works for now, and of folders of a second instance, which the test makes as root. */
const FINE =
  /unused parameter|overriding earlier entry|support for parameter \S+ will be removed|#comment after other text|not owned by _postfix: \/var\/postfix-out\//;

/** What Postfix's own tools refuse of the host's configuration. */
async function refused({ host }: Site): Promise<string> {
  const check = await host.exec(["script", "-qec", "/usr/local/sbin/postfix check", "/dev/null"]);
  const names = await host.exec(["/usr/local/sbin/postconf", "-n"]);
  const says = `${check.stdout}${check.stderr}${names.stderr}`
    .split(/\r?\n/)
    .filter((line) => /fatal|error|warning/.test(line) && !FINE.test(line));
  return [
    ...(check.exitCode === 0 ? [] : [`postfix check: exit status ${check.exitCode}`]),
    ...(names.exitCode === 0 ? [] : [`postconf -n: exit status ${names.exitCode}`]),
    ...says,
  ].join("\n");
}

async function preview({ host }: Site, kind: string, args: Values, name = kind): Promise<string[]> {
  const inputs = inputsOf(kind, args, connectionTo(host), { preview: true, name });
  const { failures } = await provider.check(kind, {}, inputs);
  return failures.map(({ reason }) => `${name}: ${reason}`);
}

/**
 * What the preview finds wrong where a program changes one parameter, one override, and, of each type, one table by a
 * comment.
 */
async function judgedAsAdopted(place: Site, one: WholeConfiguration): Promise<string> {
  const pickup = [...services(one.master).keys()].find((key) => key.startsWith("pickup/")) ?? "";
  const overrides = { syslog_name: "postfix/changed" };
  const tables = new Map(writtenTables(one).map((table) => [table.type, table]));
  const changes: (readonly [string, Values])[] = [
    ["MainCf", { parameters: { mail_name: "Changed" } }],
    ["MasterCf", { services: { [pickup]: { overrides } } }],
    ...[...tables.values()].map(
      ({ type, path, text }) => ["LookupTable", { type, path, text: `${text}# seen\n` }] as const,
    ),
  ];
  const found: string[] = [];
  for (const [kind, args] of changes) {
    forgetPlans();
    found.push(...(await preview(place, kind, args)));
  }
  return found.join("\n");
}

function write(path: string, contents: string): Change {
  return { change: "write", path, found: { type: "absent" }, contents };
}

/** What the preview finds wrong with a program that writes all of it, step by step. */
async function judgedAsWritten(place: Site, one: WholeConfiguration): Promise<string> {
  forgetPlans();
  const tables = writtenTables(one);
  const said = new Set(tables.map(({ path }) => path));
  const others = Object.entries(one.files ?? {}).filter(([path]) => !said.has(path));
  overlayOf(connectionTo(place.host) as unknown as ConnectionArgs).add(
    {
      changes: others.map(([path, contents]) => write(path, contents)),
      brings: others.map(([path]) => `${path}.db`),
    },
    undefined,
  );
  const steps: (readonly [string, Values, string])[] = [
    ...tables.map(
      ({ type, path, text }) =>
        ["LookupTable", { type, path, text }, `LookupTable-${path}`] as const,
    ),
    ["MasterCf", { services: servicesFor(one.master, place.master) }, "MasterCf"],
    ["MainCf", mainFor(one), "MainCf"],
  ];
  const found: string[] = [];
  for (const [kind, args, name] of steps) found.push(...(await preview(place, kind, args, name)));
  return found.join("\n");
}

function mainFor({ main, userDefined }: WholeConfiguration): Values {
  const values = [...parameters(main)].map(([name, { value }]) => [name, value] as const);
  return {
    parameters: Object.fromEntries(values),
    mode: "exact",
    ...(userDefined === undefined ? {} : { userDefined }),
  };
}

/** All services as a program says them; those that only the package's file has are removed. */
function servicesFor(master: string, before: string): Values {
  const gone = [...services(before).keys()].map((key) => [key, null] as const);
  const wanted = [...services(master)].map(([key, { line: _, ...one }]) => [key, one] as const);
  return Object.fromEntries<unknown>([...gone, ...wanted]);
}

/** A broken configuration on top of the package's files, as a whole one. */
function wholeOf({ main, master }: Site, one: Broken): WholeConfiguration {
  let text = main + (one.mainLines ?? "");
  for (const [name, value] of Object.entries(one.main ?? {}))
    if (value !== null) text = set(text, name, value);
  const { name, files = {} } = one;
  return { name, main: text, master: master + (one.master ?? ""), files };
}

const passed = { adopted: 0, written: 0, faulty: 0 };

test("there are at least 40, each with a name of its own", () => {
  expect(whole.length).toBeGreaterThanOrEqual(40);
  expect(new Set(whole.map(({ name }) => name)).size).toBe(whole.length);
});

describe.each([undefined, "mysql", "ldap", "pgsql"] as const)("flavor %s", (wanted) => {
  let place: Site;
  beforeAll(async () => {
    place = await site(wanted);
  });
  afterAll(() => place.host.stop());

  const mine = whole.filter(({ flavor }) => flavor === wanted);

  test.each(mine)("adopted: $name", async (one) => {
    await adopt(place, one);
    try {
      expect(await refused(place)).toBe("");
      expect(await judgedAsAdopted(place, one)).toBe("");
      passed.adopted += 1;
    } finally {
      await leave(place, one);
    }
  });

  test.each(mine)("written anew: $name", async (one) => {
    expect(await judgedAsWritten(place, one)).toBe("");
    passed.written += 1;
  });
});

describe("what was wrong before is only a warning", () => {
  let place: Site;
  beforeAll(async () => {
    place = await site(undefined);
  });
  afterAll(() => place.host.stop());

  // Each takes seconds, and all go the same way: every third.
  const some = broken.filter(({ ancient }) => ancient !== true).filter((_, nth) => nth % 3 === 0);

  test.each(some)("adopted: $name", async (one) => {
    const config = wholeOf(place, one);
    await adopt(place, config, one.databases);
    try {
      expect(await judgedAsAdopted(place, { ...config, files: {} })).toBe("");
      passed.faulty += 1;
    } finally {
      await leave(place, config);
    }
  });
});

test("all parameters, as postconf(1) prints them", async () => {
  const place = await site(undefined);
  // The caches that proxy_write_maps names are made by Postfix itself, when it starts.
  const printed = await sh(
    place.host,
    "/usr/local/sbin/postalias /etc/mail/aliases; /usr/local/sbin/postconf 2>/dev/null | grep -v '^proxy_write_maps'",
  );
  const one = { name: "printed", main: printed, master: place.master };
  await adopt(place, one);
  expect(await judgedAsAdopted(place, one)).toBe("");
  await leave(place, one);
  await sh(place.host, "/usr/local/sbin/postalias /etc/mail/aliases");
  expect(await judgedAsWritten(place, one)).toBe("");
  await place.host.stop();
});

afterAll(() => {
  said();
  process.stderr.write(
    `whole configurations: ${whole.length}; ` +
      `${passed.adopted} pass as adopted, ${passed.written} as written anew; ` +
      `${passed.faulty} faulty ones pass where the host has them already.\n`,
  );
});
