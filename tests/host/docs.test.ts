/** PostfixDocs: the manual as a managed tree, and what stood there before given back to the byte. */
import { connect } from "../../provider/host/pool";
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { connectionTo, packageOf, RELEASES, sh } from "../preview/server";
import {
  checked,
  create,
  differs,
  failures,
  inputsOf,
  type Made,
  refresh,
  remove,
  said,
  update,
} from "./provider";
import { forgetPlans } from "../../provider/driver/overlay";

const SOURCE = "/usr/local/share/doc/postfix/html";
const PATH = "/var/www/htdocs/manual/postfix";
const RECORD = "/var/db/pulumi-openbsd-postfix";

/** Where the line goes, as a part of all that we send during the operation. */
const CUTS = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.92];

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let connection: Record<string, unknown>;

  beforeAll(async () => {
    host = await startHost({ release });
    connection = connectionTo(host);
  });
  afterAll(() => host.stop());

  const news = (args: Record<string, unknown> = {}, preview = false): Record<string, unknown> =>
    inputsOf("PostfixDocs", args, connection, { preview });
  const make = (args: Record<string, unknown> = {}): Promise<Made> =>
    create("PostfixDocs", news(args));
  const difference = (path = PATH): Promise<string> =>
    sh(
      host,
      `cd ${SOURCE} && find . | sort > /tmp/a; cd ${path} && find . | sort > /tmp/b; diff /tmp/a /tmp/b; diff -r ${SOURCE} ${path}; rm /tmp/a /tmp/b; true`,
    );

  test("before the package is there, the check says where the manual comes from", async () => {
    expect(await failures("PostfixDocs", news())).toContain(
      `path: there is no ${SOURCE} on the host to copy to ${PATH}: it comes with the package`,
    );
    forgetPlans();
    await checked("PostfixPackage", {}, inputsOf("PostfixPackage", packageOf(release), connection));
    said();
    await checked("PostfixDocs", {}, news({}, true));
    expect(said()).toContain(`copy the HTML manual, which comes with the package, to ${PATH}`);
    forgetPlans();
    await create("PostfixPackage", inputsOf("PostfixPackage", packageOf(release), connection));
  });

  test("the copy becomes the html folder, with the modes that cp -R leaves, and goes with all that came with it", async () => {
    const before = await host.snapshot();
    said();
    await checked("PostfixDocs", {}, news({}, true));
    expect(said()).toMatch(
      new RegExp(`make ${PATH} like ${SOURCE}: \\d+ missing \\([^,]+, [^,]+, [^,]+, …\\)`),
    );
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    const made = await make();
    expect(await difference()).toBe("");
    expect(made.props["files"]).toBe(Number(await sh(host, `find ${SOURCE} -type f | wc -l`)));
    expect(
      await sh(
        host,
        `find ${PATH} ! -user root -o ! -group 0; find ${PATH} -type f ! -perm 644; find ${PATH} -type d ! -perm 755`,
      ),
    ).toBe("");
    const after = await host.snapshot();
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await update(made);
    expect(diffTrees(after, await host.snapshot())).toEqual([]);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("no file travels over the line", async () => {
    const made = await make();
    const counters = await host.line.counters();
    await sh(host, `rm -rf ${PATH}/*`);
    await refresh(made);
    await update(made);
    const after = await host.line.counters();
    expect(await difference()).toBe("");
    const moved =
      after.bytesFromClient -
      counters.bytesFromClient +
      after.bytesFromHost -
      counters.bytesFromHost;
    const size = Number(await sh(host, `find ${SOURCE} -type f -exec cat {} + | wc -c`));
    expect(moved).toBeLessThan(size / 4);
    await remove(made);
  });

  test("missing, changed, extra and turned files are drift, named in the diff, and repaired", async () => {
    const made = await make();
    await sh(
      host,
      `cd ${PATH} && rm postconf.1.html && echo x >> index.html && mkdir -p extra/deep && echo y > extra/deep/file && ln -s /etc/passwd link && rm master.5.html && mkdir master.5.html && chmod 600 access.5.html`,
    );
    await refresh(made);
    expect(made.inputs["manual"]).toBe(
      "1 missing (postconf.1.html), 3 changed (access.5.html, index.html, master.5.html), 4 extra (extra, extra/deep, extra/deep/file, …)",
    );
    expect(await differs(made)).toBe(true);
    await update(made);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    expect(await difference()).toBe("");
    await remove(made);
  });

  test("a tree that stood there is moved aside whole, and comes back as it was, links, owners and modes included", async () => {
    await sh(
      host,
      `mkdir -p ${PATH}/old && cd ${PATH} && echo mine > index.html && echo two > old/file && ln -s index.html link && chown -R www old && chmod 640 index.html && chmod 750 old`,
    );
    const before = await host.snapshot();
    said();
    await checked("PostfixDocs", {}, news({}, true));
    expect(said()).toContain(
      `move what stands at ${PATH} (3 files: index.html, link, old/file) aside to /var/www/htdocs/manual/.postfix.before-pulumi, for destroy to put back`,
    );
    const made = await make();
    expect(await difference()).toBe("");
    expect(await sh(host, "ls -ld /var/www/htdocs/manual/.postfix.before-pulumi")).toMatch(
      /^drwx------/,
    );
    await update(made);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await sh(host, "rm -rf /var/www/htdocs/manual");
  });

  test("the manual that stood there already is adopted without a write, mended when it drifts, and stays", async () => {
    await sh(
      host,
      `mkdir -p /var/www/htdocs/manual && cp -R ${SOURCE} ${PATH} && chown -R 0:0 ${PATH} && find ${PATH} -type f -exec chmod 644 {} + && find ${PATH} -type d -exec chmod 755 {} +`,
    );
    const before = await host.snapshot();
    const made = await make();
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await sh(host, `rm ${PATH}/index.html; echo x > ${PATH}/extra`);
    await refresh(made);
    await update(made);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await sh(host, "rm -rf /var/www/htdocs/manual");
  });

  test("what others put there or changed after the last update is left on destroy, and named", async () => {
    const made = await make();
    await sh(host, `echo note > ${PATH}/note.txt; echo more >> ${PATH}/index.html`);
    said();
    await remove(made);
    expect(said()).toContain(
      `2 of the files in ${PATH} were changed or added by others and are left (index.html, note.txt).`,
    );
    expect(await sh(host, `ls -A ${PATH}; cat ${PATH}/note.txt`)).toBe(
      "index.html\nnote.txt\nnote\n",
    );
    await sh(host, "rm -rf /var/www/htdocs/manual");
  });

  test("another path takes the copy with it", async () => {
    const before = await host.snapshot();
    const made = await make();
    await update(made, news({ path: "/var/www/htdocs/postfix" }));
    expect(await sh(host, "ls /var/www/htdocs")).toBe("postfix\n");
    expect(await difference("/var/www/htdocs/postfix")).toBe("");
    await refresh(made);
    expect(await differs(made, news({ path: "/var/www/htdocs/postfix" }))).toBe(false);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test.each([
    ["/", "absolute"],
    ["/srv", "two folders"],
    ["/etc/postfix/html", "no place for documents"],
    ["/usr/local/share/doc/postfix/html", "no place for documents"],
    ["/var/www/../../etc/x", "absolute"],
    ["manual", "absolute"],
  ])("the path %s is refused", async (path, why) => {
    expect(await failures("PostfixDocs", news({ path }))).toContain(why);
  });

  test("a file in the way of its folders is a failure of the check", async () => {
    await sh(host, "echo x > /var/www/htdocs/manual");
    expect(await failures("PostfixDocs", news())).toContain(
      "/var/www/htdocs/manual on the host is not a folder",
    );
    await sh(host, "rm /var/www/htdocs/manual");
  });

  describe("a line that is cut", () => {
    const FOREIGN = `mkdir -p ${PATH} && echo mine > ${PATH}/index.html`;
    let bytes: { create: number; remove: number };

    async function bytesOf(work: () => Promise<unknown>): Promise<number> {
      await connect(connection as never);
      const before = (await host.line.counters()).bytesFromClient;
      await work();
      return (await host.line.counters()).bytesFromClient - before;
    }
    async function cutDuring(
      part: number,
      all: number,
      work: () => Promise<unknown>,
    ): Promise<void> {
      await connect(connection as never);
      await host.line.cut({ from: "client", bytes: Math.round(part * all) });
      await work().catch((error: unknown) => {
        expect((error as Error).message).toMatch(/Nothing was changed|is not known|are in place/);
      });
      await host.line.cut();
    }

    /** Without the record: the package is in it, and which instances went on under another id. */
    const changedSince = async (before: Tree): Promise<string[]> =>
      diffTrees(before, await host.snapshot()).filter((path) => !path.startsWith(RECORD));

    beforeAll(async () => {
      await sh(host, FOREIGN);
      let made: Made | undefined;
      const creating = await bytesOf(async () => (made = await make()));
      const one = made as unknown as Made;
      bytes = { create: creating, remove: await bytesOf(() => remove(one)) };
    });
    afterAll(() => sh(host, "rm -rf /var/www/htdocs/manual"));

    test.each(CUTS)(
      "at %d of a create is mended by the next one, and undone to the byte",
      async (part) => {
        const before = await host.snapshot();
        let made: Made | undefined;
        await cutDuring(part, bytes.create, async () => (made = await make()));
        made ??= await make();
        await refresh(made);
        if (await differs(made)) await update(made);
        expect(await difference()).toBe("");
        await remove(made);
        expect(await changedSince(before)).toEqual([]);
      },
    );

    test.each(CUTS)("at %d of a destroy is gone on with by the next one", async (part) => {
      const before = await host.snapshot();
      const made = await make();
      await cutDuring(part, bytes.remove, () => remove(made));
      await remove(made);
      expect(await changedSince(before)).toEqual([]);
    });
  });

  test("nothing is left in the record", async () => {
    expect(
      await sh(host, `ls ${RECORD}/record.json; grep -c tree: ${RECORD}/record.json; true`),
    ).toMatch(/\n0\n$/);
  });
});
