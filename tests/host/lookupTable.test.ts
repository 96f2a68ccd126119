/** Lookup tables: text and database as one, through the provider's own methods. */
import { diffTrees, type Release, startHost, type TestHost, type Tree } from "../../testing";
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

const PATH = "/etc/postfix/transport";

/** The package's record stays, with the note of a reload that nobody does here. */
const beyondTheNote = (path: string): boolean =>
  path !== "/var/db/pulumi-openbsd-postfix/record.json: contents";

describe.each<Release>([...RELEASES])("OpenBSD %s", (release) => {
  let host: TestHost;
  let bare: Tree;

  const news = (args: Record<string, unknown>, preview = false): Record<string, unknown> =>
    inputsOf("LookupTable", { path: PATH, ...args }, connectionTo(host), { preview });
  const ask = async (key: string, table = `hash:${PATH}`): Promise<string> =>
    (await host.exec(["/usr/local/sbin/postmap", "-q", key, table])).stdout.trim();
  const stat = async (path: string): Promise<string> =>
    (await sh(host, `stat -f '%Su:%Sg %Lp %i' ${path}`)).trim();

  beforeAll(async () => {
    host = await startHost({ release });
    await create(
      "PostfixPackage",
      inputsOf("PostfixPackage", packageOf(release), connectionTo(host)),
    );
    bare = await host.snapshot();
  });
  afterAll(() => host.stop());

  test("entries are what postmap finds, a second time nothing is written, and destroy gives every byte back", async () => {
    const args = { entries: { "Example.com": "smtp:[10.1.0.2]", ".example.net": "error:no" } };
    const before = await host.snapshot();
    await checked("LookupTable", {}, news(args, true));
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    const made = await create("LookupTable", news(args));
    expect(made.props["table"]).toBe(`hash:${PATH}`);
    expect(await ask("example.com")).toBe("smtp:[10.1.0.2]");
    expect(await stat(`${PATH}.db`)).toMatch(/^root:wheel 644 /);
    const after = await host.snapshot();
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await update(made);
    expect(diffTrees(after, await host.snapshot())).toEqual([]);
    await remove(made);
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });

  test("the database is replaced when its content differs, whichever side was changed, and only then", async () => {
    const args = { entries: { "example.com": "smtp:[10.1.0.2]", "example.net": null } };
    const made = await create("LookupTable", news(args));
    const first = await stat(`${PATH}.db`);
    await sh(host, `echo '# a comment' >> ${PATH}`);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    expect(await stat(`${PATH}.db`)).toBe(first);

    await sh(host, `sed -i 's/10.1.0.2/10.9.9.9/' ${PATH}`);
    await refresh(made);
    expect(await differs(made)).toBe(true);
    expect(JSON.stringify(made.inputs["entries"])).toContain("10.9.9.9");
    await update(made);
    expect(await ask("example.com")).toBe("smtp:[10.1.0.2]");
    expect(await stat(`${PATH}.db`)).toBe(first);

    // Somebody built it from another text, and somebody else wrote the text and forgot to build.
    for (const script of [
      `printf 'x y\\n' > /tmp/t && /usr/local/sbin/postmap hash:/tmp/t && cat /tmp/t.db > ${PATH}.db; rm /tmp/t /tmp/t.db`,
      `rm ${PATH}.db`,
      `echo 'other.example discard:' >> ${PATH}`,
    ]) {
      await sh(host, script);
      await refresh(made);
      expect({ script, differs: await differs(made) }).toEqual({ script, differs: true });
      await update(made);
      await refresh(made);
      expect({ script, differs: await differs(made) }).toEqual({ script, differs: false });
      expect(await ask("example.com")).toBe("smtp:[10.1.0.2]");
    }
    expect(await ask("other.example")).toBe("discard:");
    await remove(made);
    // What the admin wrote is still there, and in the database as well.
    expect(await ask("other.example")).toBe("discard:");
    expect(await ask("example.com")).toBe("");
    await sh(host, `rm ${PATH}.db; sed -i '/^# a comment$/d; /^other.example/d' ${PATH}`);
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });

  test("a build that was cut off leaves files that the next run takes away, also one that has nothing else to do", async () => {
    const made = await create("LookupTable", news({ entries: { a: "1" } }));
    const left = "/etc/postfix/.transport.pulumi-openbsd-postfix";
    for (const script of [`rm ${PATH}.db`, "true"]) {
      await sh(host, `${script}; echo 'half' > ${left}; echo 'half' > ${left}.db`);
      await refresh(made);
      expect(await differs(made)).toBe(true);
      await update(made);
      expect(await ask("a")).toBe("1");
      expect(await sh(host, "ls -A /etc/postfix")).not.toContain("pulumi");
    }
    await sh(host, `echo 'half' > ${left}`);
    await remove(made);
    expect(diffTrees(bare, await host.snapshot())).toEqual([]);
  });

  test("in the mode exact other entries go, and come back on destroy", async () => {
    const path = "/etc/postfix/own";
    await sh(host, `printf '# mine\\nold.example OK\\nexample.com 1\\n' > ${path}`);
    const before = await host.snapshot();
    const inputs = (args: Record<string, unknown>): Record<string, unknown> =>
      inputsOf("LookupTable", { path, ...args }, connectionTo(host));
    const made = await create(
      "LookupTable",
      inputs({ entries: { "example.com": "2" }, mode: "exact" }),
    );
    expect(await sh(host, `cat ${path}`)).toBe("# mine\nexample.com 2\n");
    await sh(host, `echo 'new.example OK' >> ${path}`);
    await refresh(made);
    expect(made.inputs["entries"]).toEqual({ "example.com": "2", "new.example": "OK" });
    expect(await differs(made)).toBe(true);
    await update(made);
    expect(await ask("new.example", `hash:${path}`)).toBe("");
    // From entries to a text and back to entries.
    await update(made, inputs({ text: "a b\n" }));
    expect(await sh(host, `cat ${path}`)).toBe("a b\n");
    expect(await ask("a", `hash:${path}`)).toBe("b");
    await update(made, inputs({ entries: { c: "d" } }));
    expect(await sh(host, `cat ${path}`)).toBe("# mine\nold.example OK\nexample.com 1\nc\td\n");
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await sh(host, `rm ${path}`);
  });

  test("a table of secrets is readable for Postfix only, and shown nowhere", async () => {
    const path = "/etc/postfix/sasl_passwd";
    await sh(host, `echo '[mx.example.org] user:formerly-secret' > ${path}; chmod 600 ${path}`);
    const before = await host.snapshot();
    const inputs = inputsOf(
      "LookupTable",
      {
        path,
        entries: { "[mx.example.org]": "user:canary-1" },
        permissions: { mode: "0640", owner: "root", group: "_postfix" },
      },
      connectionTo(host),
      { preview: true },
    );
    said();
    const made: Made = await create("LookupTable", inputs);
    expect(await ask("[mx.example.org]", `hash:${path}`)).toBe("user:canary-1");
    for (const file of [path, `${path}.db`])
      expect(await stat(file)).toMatch(/^root:_postfix 640 /);
    const words = said();
    expect(words).toContain(path);
    expect(words).not.toMatch(/canary-1|formerly-secret/);
    expect(await sh(host, "cat /var/db/pulumi-openbsd-postfix/*")).not.toContain("canary-1");
    await sh(host, `chmod 644 ${path}.db`);
    await refresh(made);
    expect(await differs(made)).toBe(true);
    await update(made);
    expect(await stat(`${path}.db`)).toMatch(/^root:_postfix 640 /);
    await sh(host, `chown root:wheel ${path}`);
    await refresh(made);
    expect(made.inputs["permissions"]).toEqual({ mode: "0640", owner: "root", group: "0" });
    await update(made);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await sh(host, `rm ${path}`);
  });

  test("a text as a whole is written as it is, judged by postmap, and wants a reload where nothing is built", async () => {
    const path = "/etc/postfix/header_checks.test";
    const before = await host.snapshot();
    const inputs = (text: string, type: string): Record<string, unknown> =>
      inputsOf("LookupTable", { path, text, type }, connectionTo(host));
    expect(await failures("LookupTable", inputs("/^Subject: (/ REJECT\n", "regexp"))).toMatch(
      /^text: .*header_checks\.test, line 1: /,
    );
    expect(await failures("LookupTable", inputs("10.0.0.0/99 OK\n", "cidr"))).toMatch(
      /^text: .*line 1/,
    );
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    const text = "# order counts\n/^Subject: x/ REJECT\n/./ DUNNO\n";
    const made = await create("LookupTable", inputs(text, "regexp"));
    expect(await sh(host, `cat ${path}`)).toBe(text);
    expect(await sh(host, "ls /etc/postfix")).not.toContain("header_checks.test.db");
    expect(await sh(host, "cat /var/db/pulumi-openbsd-postfix/record.json")).toContain('"reload"');
    await sh(host, `echo '/y/ OK' >> ${path}`);
    await refresh(made);
    expect(made.inputs["text"]).toBe(`${text}/y/ OK\n`);
    await update(made);
    expect(await sh(host, `cat ${path}`)).toBe(text);
    await remove(made);
    expect(diffTrees(before, await host.snapshot()).filter(beyondTheNote)).toEqual([]);
  });

  test.each([
    [
      "a type that Postfix does not have",
      { type: "mysql", text: "user = x\n" },
      /^type: .*no table type "mysql"; it has .*hash.*flavor mysql/,
    ],
    ["a type that is no file", { type: "static" }, /^type: must be/],
    ["a line that postmap skips", { text: "a b\nc\n" }, /^text: line 2 is not "key value"/],
    ["a key twice", { text: "a b\nA c\n" }, /^text: lines 1, 2 have the same key "a"/],
    [
      "a key twice in other letters",
      { entries: { a: "1", A: "2" } },
      /^entries\.A: is the same key as "a"/,
    ],
    ["a key of two words", { entries: { "a b": "1" } }, /^entries\["a b"\]: .*one word/],
    ["an empty value", { entries: { a: "" } }, /^entries\.a: .*not be empty/],
    ["entries and a text", { entries: {}, text: "" }, /^text: /],
    ["entries of an ordered table", { type: "pcre", entries: { a: "1" } }, /^entries: /],
    [
      "a group that is not there",
      { entries: {}, permissions: { mode: "0640", group: "nope" } },
      /^permissions\.group: this host has no group nope/,
    ],
    ["a mode that is none", { entries: {}, permissions: { mode: "rw" } }, /^permissions\.mode: /],
    ["a path with a colon", { path: "/etc/a:b", entries: {} }, /^path: /],
  ])("%s fails the preview", async (_law, args, says) => {
    expect(await failures("LookupTable", news(args))).toMatch(says);
  });

  test("what an admin's table had wrong before is a warning", async () => {
    const path = "/etc/postfix/bad";
    await sh(host, `printf 'a 1\\nnonsense\\na 2\\n' > ${path}`);
    said();
    const inputs = inputsOf("LookupTable", { path, entries: { b: "2" } }, connectionTo(host), {
      preview: true,
    });
    expect(await failures("LookupTable", inputs)).toBe("");
    expect(said()).toMatch(/warning: already so before: .*\/etc\/postfix\/bad, line 2/);
    const made = await create("LookupTable", inputs);
    expect(await ask("b", `hash:${path}`)).toBe("2");
    await remove(made);
    await sh(host, `rm ${path}`);
    expect(diffTrees(bare, await host.snapshot()).filter(beyondTheNote)).toEqual([]);
  });
});

test("a host whose Postfix stops at its configuration is told why, not that there is none", async () => {
  const host = await startHost({ release: "7.8" });
  try {
    await create("PostfixPackage", inputsOf("PostfixPackage", {}, connectionTo(host)));
    // The port's accounts stand in its main.cf only.
    await sh(host, "echo biff=no > /etc/postfix/main.cf");
    const inputs = inputsOf("LookupTable", { path: PATH, entries: { a: "b" } }, connectionTo(host));
    expect(await failures("LookupTable", inputs)).toMatch(
      /^type: Postfix's own tools stop on this host.*mail_owner: unknown user name/s,
    );
  } finally {
    await host.stop();
  }
});

test("a host that has no Postfix yet is told so, unless the package comes with the same plan", async () => {
  const host = await startHost({ release: "7.8" });
  try {
    const inputs = (preview: boolean): Record<string, unknown> =>
      inputsOf(
        "LookupTable",
        {
          path: "/etc/postfix/t",
          entries: { a: "1" },
          permissions: { mode: "0640", group: "_postfix" },
        },
        connectionTo(host),
        { preview },
      );
    expect(await failures("LookupTable", inputs(true))).toMatch(/^type: this host has no Postfix/);
    await checked(
      "PostfixPackage",
      {},
      inputsOf("PostfixPackage", packageOf("7.8"), connectionTo(host), { preview: true }),
    );
    said();
    await checked("LookupTable", {}, inputs(true));
    expect(said()).toContain("rebuild /etc/postfix/t.db with postmap");
  } finally {
    await host.stop();
  }
});
