/** Aliases beyond what every step is held to (steps.test.ts): the mode "exact", its warnings, its database. */
import { startHost, type TestHost } from "../../testing";
import { connectionTo, packageOf, RELEASES, sh } from "../preview/server";
import { forgetPlans } from "../../provider/driver/overlay";
import {
  create,
  checked,
  differs,
  failures,
  inputsOf,
  type Made,
  refresh,
  remove,
  said,
  update,
} from "./provider";

const ALIASES = "/etc/postfix/aliases";

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;

  beforeAll(async () => {
    host = await startHost({ release });
    expect(await failures("Aliases", news({ entries: { root: ["alice"] } }, true))).toMatch(
      /^file: this host has no Postfix, whose postalias\(1\) builds the database: install the package first/,
    );
    forgetPlans();
    await create(
      "PostfixPackage",
      inputsOf("PostfixPackage", packageOf(release), connectionTo(host)),
    );
  });
  afterAll(() => host.stop());
  beforeEach(forgetPlans);

  const news = (args: Record<string, unknown>, preview = false): Record<string, unknown> =>
    inputsOf("Aliases", args, connectionTo(host), { preview });
  const text = (): Promise<string> => sh(host, `cat ${ALIASES}`);
  const answer = (name: string): Promise<string> =>
    sh(host, `/usr/local/sbin/postalias -q ${name} hash:${ALIASES}; true`);

  test('in the mode "exact" no other entry is left, in the text and in the database, and destroy gives all back', async () => {
    const before = await text();
    const made = await create("Aliases", news({ mode: "exact", entries: { root: ["alice"] } }));
    const left = (await text()).split("\n").filter((line) => /^[^#\s]/.test(line));
    expect(left).toEqual(["root: alice"]);
    expect(await answer("root")).toBe("alice\n");
    expect(await answer("postmaster")).toBe("");
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await remove(made);
    expect(await text()).toBe(before);
  });

  test('an entry that comes back in the mode "exact" is drift by its name, and goes again', async () => {
    const made = await create("Aliases", news({ mode: "exact", entries: { root: ["alice"] } }));
    await sh(host, `echo 'mallory: "|/bin/sh"' >> ${ALIASES}`);
    await refresh(made);
    expect((made.inputs as { entries: unknown }).entries).toEqual({
      root: ["alice"],
      mallory: ["|/bin/sh"],
    });
    await update(made);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    expect(await text()).not.toContain("mallory");
    await remove(made);
  });

  test('leaving the mode "exact" gives back the entries that it removed', async () => {
    const before = await text();
    const made = await create("Aliases", news({ mode: "exact", entries: { root: ["alice"] } }));
    await update(made, news({ entries: { root: ["alice"] } }));
    expect(await answer("postmaster")).toBe("root\n");
    await remove(made);
    expect(await text()).toBe(before);
  });

  test("a preview warns where root, postmaster or webmaster reach nobody", async () => {
    said();
    await checked(
      "Aliases",
      {},
      news({ entries: { root: ["carol"], webmaster: ["alice"] } }, true),
    );
    const warned = said();
    expect(warned).toContain(
      "warning: mail to root reaches nobody: there is neither an alias nor a user carol.",
    );
    expect(warned).toContain("mail to postmaster reaches nobody");
    expect(warned).not.toContain("mail to webmaster");
  });

  test.each<[string, string]>([
    ["deleted", `rm ${ALIASES}.db`],
    ["cut short", `: > ${ALIASES}.db`],
    [
      "of another text",
      `echo 'root: bob' > /tmp/other && /usr/local/sbin/postalias hash:/tmp/other && mv /tmp/other.db ${ALIASES}.db`,
    ],
    ["older than its text, and right", `touch ${ALIASES}`],
  ])(
    "a database that was %s is rebuilt when, and only when, it does not say what the text says",
    async (how, script) => {
      const made: Made = await create("Aliases", news({ entries: { root: ["alice"] } }));
      await sh(host, script);
      await refresh(made);
      expect(await differs(made)).toBe(how !== "older than its text, and right");
      await update(made);
      expect(await answer("root")).toBe("alice\n");
      await refresh(made);
      expect(await differs(made)).toBe(false);
      await remove(made);
    },
  );
});
