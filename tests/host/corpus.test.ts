/** Configurations as admins write them: the broken ones fail in the preview, at the right line, and no valid one does. */
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as provider from "../../provider";
import type { Change } from "../../provider/contract/kind";
import { forgetPlans, overlayOf } from "../../provider/driver/overlay";
import { set } from "../../provider/formats/mainCf";
import { services } from "../../provider/formats/masterCf";
import type { ConnectionArgs } from "../../provider/arguments/connection";
import type { FileState } from "../../provider/host/host";
import { diffTrees, type Release, startHost, type TestHost, type Tree } from "../../testing";
import { type Broken, type Configuration, MAIN, MASTER } from "../corpus/case";
import { broken } from "../corpus/broken";
import { valid } from "../corpus/valid";
import { connectionTo, packageOf, sh } from "../preview/server";
import { create, inputsOf, said } from "./provider";

interface Site {
  readonly host: TestHost;
  readonly before: Tree;
  readonly main: string;
  readonly master: string;
}

async function site(release: Release): Promise<Site> {
  const host = await startHost({ release });
  const args = { ...packageOf(release), flavors: ["sasl2"] };
  await create("PostfixPackage", inputsOf("PostfixPackage", args, connectionTo(host)));
  return {
    host,
    before: await host.snapshot(),
    main: await sh(host, `cat ${MAIN}`),
    master: await sh(host, `cat ${MASTER}`),
  };
}

function write(path: string, contents: string, before?: string): Change {
  const found: FileState =
    before === undefined
      ? { type: "absent" }
      : { type: "file", mode: 0o644, uid: 0, gid: 0, contents: before, size: before.length };
  return { change: "write", path, found, contents };
}

/** The texts that the plan would leave. */
function textsOf({ main, master }: Site, one: Configuration): Record<string, string> {
  let planned = main + (one.mainLines ?? "");
  for (const [name, value] of Object.entries(one.main ?? {}))
    if (value !== null) planned = set(planned, name, value);
  return { ...one.files, [MAIN]: planned, [MASTER]: master + (one.master ?? "") };
}

/** What the preview finds wrong with a configuration whose other parts come by earlier steps of the same plan. */
async function judged(place: Site, one: Configuration): Promise<string> {
  const { host, main, master } = place;
  forgetPlans();
  const files = Object.entries(one.files ?? {});
  const built = one.databases ?? files.map(([path]) => path);
  overlayOf(connectionTo(host) as unknown as ConnectionArgs).add(
    {
      changes: [
        ...files.map(([path, contents]) => write(path, contents)),
        ...(one.mainLines === undefined ? [] : [write(MAIN, main + one.mainLines, main)]),
        ...(one.master === undefined ? [] : [write(MASTER, master + one.master, master)]),
      ],
      brings: built.map((path) => `${path}.db`),
    },
    undefined,
  );
  const { failures } = await provider.check(
    "MainCf",
    {},
    inputsOf(
      "MainCf",
      {
        parameters: one.main ?? {},
        ...(one.userDefined === undefined ? {} : { userDefined: one.userDefined }),
      },
      connectionTo(host),
      { preview: true },
    ),
  );
  return failures.map(({ reason }) => reason).join("\n");
}

/** The type by which main.cf names a table. */
function typeOf(path: string, { main = {} }: Configuration): string | undefined {
  const values = Object.entries(main).flatMap(([name, value]) =>
    /^alias_/.test(name) ? [] : [value ?? ""],
  );
  const types = values.flatMap((value) =>
    [...value.matchAll(/([a-z]+):(\/[\w./-]+)/g)].flatMap(([, type = "", named]) =>
      named === path ? [type] : [],
    ),
  );
  return types[0];
}

/** What the steps of a server find wrong with it, one after the other: tables, services, main.cf, and the service. */
async function judgedByAll(place: Site, one: Configuration): Promise<string> {
  const { host, main } = place;
  forgetPlans();
  const files = Object.entries(one.files ?? {});
  const others = files.filter(([path]) => typeOf(path, one) === undefined);
  overlayOf(connectionTo(host) as unknown as ConnectionArgs).add(
    {
      changes: [
        ...others.map(([path, contents]) => write(path, contents)),
        ...(one.mainLines === undefined ? [] : [write(MAIN, main + one.mainLines, main)]),
      ],
      brings: others.map(([path]) => `${path}.db`),
    },
    undefined,
  );
  const steps: (readonly [string, Record<string, unknown>])[] = [
    ...files.flatMap(([path, text]) => {
      const type = typeOf(path, one);
      return type === undefined ? [] : [["LookupTable", { path, type, text }] as const];
    }),
    ...(one.master === undefined
      ? []
      : [["MasterCf", { services: servicesIn(one.master) }] as const]),
    [
      "MainCf",
      {
        parameters: one.main ?? {},
        ...(one.userDefined === undefined ? {} : { userDefined: one.userDefined }),
      },
    ],
  ];
  // A main.cf alone is asked nothing else by the service.
  if (steps.length > 1 || one.userDefined !== undefined) steps.push(["PostfixService", {}]);
  const said: string[] = [];
  for (const [kind, args] of steps) {
    const name = typeof args["path"] === "string" ? `${kind}-${args["path"]}` : kind;
    const { failures } = await provider.check(
      kind,
      {},
      inputsOf(kind, args, connectionTo(host), { preview: true, name }),
    );
    said.push(...failures.map(({ reason }) => `${kind}: ${reason}`));
  }
  return said.join("\n");
}

/** Lines of master.cf as a program says them. */
function servicesIn(master: string): Record<string, unknown> {
  return Object.fromEntries(
    [...services(master)].map(([name, { line: _, ...service }]) => [name, service]),
  );
}

/** What must be said, as `file, line N: … word`. */
function wanted(place: Site, one: Broken): { readonly at: string; readonly says: string } {
  const lines = (textsOf(place, one)[one.file] ?? "").split("\n");
  const line = lines.findLastIndex((text) => text.startsWith(one.at)) + 1;
  if (line === 0) throw new Error(`${one.name}: ${one.file} has no line "${one.at}"`);
  return { at: `${one.file}, line ${line}: `, says: one.says };
}

function isFound(answer: string, { at, says }: { at: string; says: string }): boolean {
  return answer.split("\n").some((line) => line.includes(at) && line.includes(says));
}

/**
 * What Postfix's own tools alone would have caught: the same files in a folder, `postfix check` by its exit status or
 * what it writes, `postconf -n` by its exit status or warnings.
 */
async function plainly(
  place: Site,
  one: Configuration,
): Promise<{ check: boolean; postconf: boolean }> {
  const folder = "/tmp/plainly";
  const root = join(place.host.root, folder);
  rmSync(root, { recursive: true, force: true });
  for (const name of ["etc", "queue", "data"]) mkdirSync(join(root, name), { recursive: true });
  const texts = textsOf(place, one);
  const own = set(
    set(texts[MAIN] ?? "", "queue_directory", `${folder}/queue`),
    "data_directory",
    `${folder}/data`,
  );
  writeFileSync(join(root, "etc/main.cf"), Buffer.from(own, "latin1"));
  writeFileSync(join(root, "etc/master.cf"), Buffer.from(texts[MASTER] ?? "", "latin1"));
  // Postfix waits until what it reads is two seconds old.
  for (const name of ["main.cf", "master.cf"]) utimesSync(join(root, "etc", name), 1, 1);
  const ran = async (argv: string[]): Promise<{ exitCode: number; text: string }> => {
    const { exitCode, stdout, stderr } = await place.host.exec(argv);
    return { exitCode, text: `${stdout}\n${stderr}` };
  };
  const check = await ran([
    ...["script", "-qec", `/usr/local/sbin/postfix -c ${folder}/etc check`, "/dev/null"],
  ]);
  const postconf = await ran(["/usr/local/sbin/postconf", "-c", `${folder}/etc`, "-n"]);
  rmSync(root, { recursive: true, force: true });
  // What `postfix check` prints of postconf's own warnings is counted there.
  return {
    check: check.exitCode !== 0,
    postconf: postconf.exitCode !== 0 || /warning|fatal/.test(postconf.text),
  };
}

describe("OpenBSD 7.8", () => {
  let place: Site;
  beforeAll(async () => {
    place = await site("7.8");
  });
  afterAll(() => place.host.stop());

  test("there are at least 40 of each", () => {
    expect(broken.length).toBeGreaterThanOrEqual(40);
    expect(valid.length).toBeGreaterThanOrEqual(40);
  });

  test.each(valid)("valid, by every step of a server: $name", async (one) => {
    expect(await judgedByAll(place, one)).toBe("");
  });

  const all = broken.filter(({ ancient }) => ancient !== true);
  const seen = all.filter(({ unseen }) => unseen !== true);

  test.each(seen)("broken: $name", async (one) => {
    const answer = await judged(place, one);
    const { at, says } = wanted(place, one);
    expect(answer).toContain(at);
    expect(answer).toContain(says);
    expect(isFound(answer, { at, says })).toBe(true);
  });

  test("the host's tree is the same as before", async () => {
    expect(diffTrees(place.before, await place.host.snapshot())).toEqual([]);
  });

  test("most of it only we catch: 38 at least, and all but those that show in no file", async () => {
    const caught = { check: 0, postconf: 0, ours: 0 };
    for (const one of all) {
      const plain = await plainly(place, one);
      if (plain.check) caught.check += 1;
      if (plain.postconf) caught.postconf += 1;
      if (isFound(await judged(place, one), wanted(place, one))) caught.ours += 1;
    }
    process.stderr.write(
      `corpus: of ${all.length} broken configurations, plain \`postfix check\` refuses ${caught.check}, ` +
        `\`postconf -n\` warns of ${caught.postconf}, the judgement names ${caught.ours}; ` +
        `${valid.length} valid ones pass.\n`,
    );
    expect(caught.ours).toBeGreaterThanOrEqual(38);
    expect(caught.ours).toBe(seen.length);
    expect(caught.check).toBeLessThan(caught.ours);
    expect(existsSync(join(place.host.root, "tmp/plainly"))).toBe(false);
  });
});

describe("OpenBSD 4.7", () => {
  let place: Site;
  beforeAll(async () => {
    place = await site("4.7");
  });
  afterAll(() => place.host.stop());

  const old = <C extends Configuration>(all: readonly C[]): C[] =>
    all
      .filter(({ modern }) => modern !== true)
      .filter(({ ancient }, index) => ancient === true || index % 3 === 0);

  test.each(old(valid))("valid: $name", async (one) => {
    expect(await judged(place, one)).toBe("");
  });

  test.each(old(broken).filter(({ unseen }) => unseen !== true))("broken: $name", async (one) => {
    const answer = await judged(place, one);
    expect(answer).toContain(wanted(place, one).at);
    expect(answer).toContain(one.says);
  });

  test("the host's tree is the same as before", async () => {
    expect(diffTrees(place.before, await place.host.snapshot())).toEqual([]);
    said();
  });
});
