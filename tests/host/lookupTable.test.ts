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

  test("an entry for `*`, all that is named nowhere else, is one like any other", async () => {
    const path = "/etc/postfix/transport_of_all";
    const admins = "# of an admin\nexample.org local:\n* error:closed\n";
    await sh(
      host,
      `printf '${admins.replaceAll("\n", "\\n")}' > ${path} && /usr/local/sbin/postmap ${path}`,
    );
    const made = await create(
      "LookupTable",
      news({ path, entries: { "*": "smtp:[10.1.0.2]", "example.com": "smtp:[10.1.0.3]" } }),
    );
    expect(await ask("*", `hash:${path}`)).toBe("smtp:[10.1.0.2]");
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await sh(host, `echo '# another line' >> ${path}`);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    // In the mode "exact" the others go, and come back when it is left.
    await update(
      made,
      news({ path, mode: "exact", entries: { "example.com": "smtp:[10.1.0.3]" } }),
    );
    expect(await sh(host, `grep -v '^#' ${path}`)).toBe("example.com\tsmtp:[10.1.0.3]\n");
    await update(made, news({ path, entries: { "*": "smtp:[10.1.0.4]" } }));
    said();
    await remove(made);
    expect(said()).not.toContain("somebody else");
    expect(await sh(host, `grep -v '^# another' ${path}`)).toBe(admins);
    expect(await ask("*", `hash:${path}`)).toBe("error:closed");
    await sh(host, `rm ${path} ${path}.db`);
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
      { type: "mysql", text: "dbname = x\nquery = SELECT 1\n" },
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

describe("a table that is asked before it goes live", () => {
  const path = "/etc/postfix/mysql.cf";
  const text = (more = ""): string =>
    `hosts = 127.0.0.1\nuser = postfix\npassword = canary-7\ndbname = mail\n${more}query = SELECT 1\n`;
  let host: TestHost;
  let bare: Tree;

  /**
   * The host's Postfix has no client of MySQL, so its tools say what one with that client says: postmap(1) takes its error
   * output from /tmp/says and its status from /tmp/status, and notes what it was asked, and by which text.
   */
  const SCRIPTS = [
    "cd /usr/local/sbin; for p in postmap postconf; do mv $p $p.real; done",
    `cat > postmap <<'E'\n#!/bin/sh\ncase "$*" in *mysql:*) for t; do :; done; { echo "$4"; stat -f '%Su %Lp' "$(dirname "\${t#mysql:}")"; cat "\${t#mysql:}"; } > /tmp/asked; cat /tmp/says >&2; exit $(cat /tmp/status);; esac\nexec /usr/local/sbin/postmap.real "$@"\nE`,
    `cat > postconf <<'E'\n#!/bin/sh\n/usr/local/sbin/postconf.real "$@"; r=$?\n[ "$*" = -m ] && echo mysql\nexit $r\nE`,
    "chmod 755 postmap postconf",
  ].join("\n");

  const inputs = (
    args: Record<string, unknown> = {},
    preview = false,
  ): Record<string, unknown> => ({
    ...inputsOf(
      "LookupTable",
      {
        ...{ path, type: "mysql", text: text(), probe: "alice@example.org" },
        permissions: { mode: "0640", owner: "root", group: "_postfix" },
        ...args,
      },
      connectionTo(host),
      { preview },
    ),
    // As the component marks it.
    secretPaths: ["text"],
  });
  const says = (status: number, stderr: string): Promise<string> =>
    sh(host, `echo ${status} > /tmp/status; cat > /tmp/says <<'E'\n${stderr}\nE\nrm -f /tmp/asked`);
  const asked = (): Promise<string> => sh(host, "cat /tmp/asked 2>/dev/null; true");
  /** What is not as before the table: of the record, only the copy of what it was for a moment. */
  const left = async (): Promise<readonly string[]> =>
    diffTrees(bare, await host.snapshot()).filter(
      (one) => !one.startsWith("/tmp/") && !one.endsWith("/record.json.previous"),
    );

  beforeAll(async () => {
    host = await startHost({ release: "7.8" });
    await create("PostfixPackage", inputsOf("PostfixPackage", {}, connectionTo(host)));
    await sh(host, SCRIPTS);
    await says(0, "");
    bare = await host.snapshot();
  });
  afterAll(() => host.stop());

  const DENIED =
    "postmap: warning: connect to mysql server 127.0.0.1: Access denied for user 'postfix'@'localhost' (using password: YES, canary-7)\npostmap: fatal: table mysql:/x/probe: query error: Resource temporarily unavailable";
  const AWAY =
    "postmap: warning: connect to mysql server 127.0.0.1: Can't connect to MySQL server on '127.0.0.1' (61)\npostmap: fatal: table mysql:/x/probe: query error: Resource temporarily unavailable";

  test("a server that refuses fails the preview and the update, in its words and without the password", async () => {
    await says(1, DENIED);
    const reason = await failures("LookupTable", inputs({}, true));
    expect(reason).toMatch(
      /^probe: mysql:\/etc\/postfix\/mysql\.cf was asked for "alice@example\.org" before it goes live, at 127\.0\.0\.1, and could not be: .*Access denied for user 'postfix'/s,
    );
    expect(reason).toMatch(/using password: YES, \[secret, \d+ characters/);
    expect(reason).not.toContain("canary-7");
    await expect(create("LookupTable", inputs())).rejects.toThrow(/Access denied/);
    expect(await left()).toEqual([]);
  });

  test("a server that is not there lets the preview pass, and stops the update before the text is written", async () => {
    await says(1, AWAY);
    said();
    expect(await failures("LookupTable", inputs({}, true))).toBe("");
    const shown = said();
    expect(shown).toContain(`ask mysql:${path} for "alice@example.org" before it goes live`);
    expect(shown).toContain(`mysql:${path} cannot be asked yet: no server of 127.0.0.1 is there`);
    expect(shown).not.toContain("canary-7");
    await expect(create("LookupTable", inputs())).rejects.toThrow(
      /asking a table before it goes live.*at 127\.0\.0\.1, and could not be: .*Can't connect.*Nothing was changed/s,
    );
    expect(await left()).toEqual([]);
  });

  test("a key that is not found is an answer; the text is asked staged, where only root comes, and once for each text", async () => {
    await says(1, "");
    const made = await create("LookupTable", inputs());
    expect(await asked()).toBe(`alice@example.org\nroot 700\n${text()}`);
    expect(await stat()).toMatch(/^root:_postfix 640/);
    await says(1, DENIED);
    // What is in place already is asked nothing.
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await update(made);
    expect(await asked()).toBe("");
    // Another text is; the old one stays where it cannot be.
    const other = inputs({ text: text("expansion_limit = 1\n") });
    await expect(update(made, other)).rejects.toThrow(/Access denied/);
    expect(await sh(host, `cat ${path}`)).toBe(text());
    await says(0, "");
    await update(made, other);
    expect(await sh(host, `cat ${path}`)).toBe(text("expansion_limit = 1\n"));
    expect(await sh(host, "cat /var/db/pulumi-openbsd-postfix/*")).not.toContain("canary-7");
    await remove(made);
  });

  const stat = (): Promise<string> => sh(host, `stat -f '%Su:%Sg %Lp' ${path}`);

  test("settings from before Postfix 2.2 are warned of", async () => {
    said();
    const legacy = "dbname = mail\ntable = a\nselect_field = b\nwhere_field = c\n";
    expect(await failures("LookupTable", inputs({ text: legacy }, true))).toBe("");
    expect(said()).toContain(
      `warning: ${path}: \`table\`, \`select_field\`, \`where_field\`: Postfix 2.2 has replaced these settings by \`query\``,
    );
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
