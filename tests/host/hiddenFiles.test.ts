/** What a file's mode hides from others on the host is shown to nobody, and is never copied to where others may read it. */
import { forgetPlans } from "../../provider/driver/overlay";
import { startHost, type TestHost } from "../../testing";
import { connectionTo, packageOf, sh } from "../preview/server";
import { checked, create, differs, failures, inputsOf, refresh, remove, said } from "./provider";

const SASL = "/etc/postfix/sasl_passwd";
const OTHER = "[other.example.net]:587";
const PASSWORD = "other:correct-horse";

let host: TestHost;
let connection: Record<string, unknown>;

beforeAll(async () => {
  host = await startHost();
  connection = connectionTo(host);
  forgetPlans();
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf(host.release), connection));
});
afterAll(() => host.stop());
beforeEach(() => {
  forgetPlans();
  said();
});

const put = (path: string, text: string, mode: string): Promise<unknown> =>
  host.exec(["/bin/sh", "-c", `cat > ${path} && chmod ${mode} ${path}`], { stdin: text });

const preview = async (kind: string, args: Record<string, unknown>): Promise<string> => {
  forgetPlans();
  await checked(kind, {}, inputsOf(kind, args, connection, { preview: true }));
  return said();
};

const modeOf = (path: string): Promise<string> => sh(host, `stat -f %Lp ${path}`);

describe("a table that others may not read", () => {
  const entries = { "[relay.example.org]:587": "me:secret" };
  const args = { path: SASL, entries };

  beforeEach(() => put(SASL, `${OTHER} ${PASSWORD}\n`, "0600"));
  afterEach(() => sh(host, `rm -f ${SASL} ${SASL}.db`));

  test("a preview names it, and what the program sets in it, and shows no line of it", async () => {
    const text = await preview("LookupTable", args);
    expect(text).toMatch(
      /replace \/etc\/postfix\/sasl_passwd \(1 line, .*: sets \[relay\.example\.org\]:587/,
    );
    expect(text).not.toContain("other");
    expect(text).not.toContain("correct-horse");
  });

  test("a value that somebody else set is drift, and is not shown", async () => {
    const made = await create("LookupTable", inputsOf("LookupTable", args, connection));
    await sh(host, `sed -i 's/me:secret/me:changed-by-hand/' ${SASL}`);
    await refresh(made);
    expect(JSON.stringify(made.inputs["entries"])).toMatch(/\[another value, hash [0-9a-f]{12}\]/);
    expect(JSON.stringify([made.inputs, made.props])).not.toContain("changed-by-hand");
    expect(await differs(made)).toBe(true);
    const first = JSON.stringify(made.inputs);
    await refresh(made);
    expect(JSON.stringify(made.inputs)).toBe(first);
    await sh(host, `sed -i 's/me:changed-by-hand/me:secret/' ${SASL}`);
    await refresh(made);
    expect(made.inputs["entries"]).toEqual(entries);
    await remove(made);
    expect(await sh(host, `cat ${SASL}`)).toBe(`${OTHER} ${PASSWORD}\n`);
  });

  test("in the mode exact, neither names nor values of the entries that go are shown", async () => {
    const made = await create(
      "LookupTable",
      inputsOf("LookupTable", { ...args, mode: "exact" }, connection),
    );
    await sh(host, `echo 'third.example.org third:battery-staple' >> ${SASL}`);
    said();
    await refresh(made);
    const text = await preview("LookupTable", { ...args, mode: "exact" });
    expect(`${text}${JSON.stringify([made.inputs, made.props["entries"]])}`).not.toMatch(
      /third|battery/,
    );
    await remove(made);
  });

  test("of a text that somebody else changed, a hash is shown", async () => {
    const made = await create(
      "LookupTable",
      inputsOf("LookupTable", { path: SASL, text: "a me:secret\n" }, connection),
    );
    await put(SASL, `${OTHER} ${PASSWORD}\n`, "0600");
    await refresh(made);
    expect(JSON.stringify([made.inputs, said()])).not.toContain("correct-horse");
    await put(SASL, "a me:secret\n", "0600");
    await remove(made);
  });
});

describe("credentials", () => {
  test.each([SASL, "/etc/postfix/relay_passwords", "/etc/postfix/smtp_credentials"])(
    "%s is made so that only root may read it, and so is its database",
    async (path) => {
      const made = await create(
        "LookupTable",
        inputsOf("LookupTable", { path, entries: { a: "me:secret" } }, connection),
      );
      expect(await modeOf(path)).toBe("600\n");
      expect(await modeOf(`${path}.db`)).toBe("600\n");
      await remove(made);
    },
  );

  test("that everybody may read are warned of, with the way out, by the mode that they will have", async () => {
    const args = { path: SASL, entries: { a: "me:secret" } };
    const hint =
      /mode 0644 lets everybody on the host read them\. Give permissions: \{ mode: "0640", group: "_postfix" \}/;
    await put(SASL, "b you:secret\n", "0644");
    expect(await preview("LookupTable", args)).toMatch(hint);
    const strict = { permissions: { mode: "0640", owner: "root", group: "_postfix" } };
    expect(await preview("LookupTable", { ...args, ...strict })).not.toMatch(/everybody/);
    await sh(host, `rm ${SASL}`);
    expect(await preview("LookupTable", args)).not.toMatch(/everybody/);
    expect(
      await preview("LookupTable", {
        ...args,
        permissions: { ...strict.permissions, mode: "0644" },
      }),
    ).toMatch(hint);
  });
});

test("root's crontab, which only root may read, is not shown by a preview", async () => {
  const tab = "/var/cron/tabs/root";
  const before = await sh(host, `cat ${tab}`);
  await put(tab, `${before}0 0 * * * TOKEN=hunter2 /root/backup.sh\n`, "0600");
  const text = await preview("RootCrontab", { commentOut: ["/root/backup.sh"] });
  expect(text).toContain(`replace ${tab}`);
  expect(text).toContain("sets /root/backup.sh");
  expect(text).not.toContain("hunter2");
  await put(tab, before, "0600");
});

describe("the chroot", () => {
  test.each([
    "master.passwd",
    "spwd.db",
    "ssl/private/mx.key",
    "ssh/ssh_host_ed25519_key",
    "ssl/mx.key",
  ])("%s is refused by its name", async (name) => {
    const news = inputsOf("ChrootResolv", { files: ["hosts", name] }, connection, {
      preview: true,
    });
    expect(await failures("ChrootResolv", news)).toMatch(/^files\[1\]: holds passwords or keys/);
  });

  test("a source that others may not read is refused by the preview, and is not copied", async () => {
    await put("/etc/private.conf", "hunter2\n", "0640");
    const news = inputsOf("ChrootResolv", { files: ["hosts", "private.conf"] }, connection, {
      preview: true,
    });
    const text = await failures("ChrootResolv", news);
    expect(text).toMatch(/^files\[1\]: \/etc\/private\.conf may not be read by others/);
    expect(text + said()).not.toContain("hunter2");
    await expect(
      create("ChrootResolv", inputsOf("ChrootResolv", { files: ["private.conf"] }, connection)),
    ).rejects.toThrow(/may not be read by others/);
    await sh(host, "test ! -e /var/spool/postfix/etc/private.conf && rm /etc/private.conf");
  });

  test("a copy is never more readable than its source, also one that was there before", async () => {
    const [source, copy] = ["/etc/others.conf", "/var/spool/postfix/etc/others.conf"];
    await put(source, "text\n", "0604");
    const made = await create(
      "ChrootResolv",
      inputsOf("ChrootResolv", { files: ["others.conf"] }, connection),
    );
    expect(await modeOf(copy)).toBe("604\n");
    await sh(host, `chmod 0644 ${copy}`);
    await refresh(made);
    expect(await differs(made)).toBe(true);
    await remove(made);
    await sh(host, `test ! -e ${copy} && rm ${source}`);
  });
});
