/** MailStore: what a host refuses, what becomes of mail, and runs that are cut off. */
import { connect } from "../../provider/host/pool";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { forgetPlans } from "../../provider/driver/overlay";
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

const PATH = "/var/vmail";

/** A message in a maildir, as virtual(8) delivers it. */
const DELIVERY = [
  `mkdir -p ${PATH}/example.org/alice/cur ${PATH}/example.org/alice/new ${PATH}/example.org/alice/tmp`,
  `echo hello > ${PATH}/example.org/alice/new/1.example.org`,
  `chown -R 901:901 ${PATH}/example.org`,
].join("; ");

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
    inputsOf("MailStore", args, connection, { preview });
  const make = (args: Record<string, unknown> = {}): Promise<Made> =>
    create("MailStore", news(args));
  const refused = (args: Record<string, unknown> = {}): Promise<string> =>
    failures("MailStore", news(args, true));
  const stat = (path = PATH): Promise<string> => sh(host, `stat -f '%u:%g %Lp' ${path}`);

  test("the preview shows the programs and the folder, and the user can log in nowhere", async () => {
    const before = await host.snapshot();
    said();
    expect(await refused()).toBe("");
    const shown = said();
    expect(shown).toContain("add the group _vmail: /usr/sbin/groupadd -g 901 _vmail");
    expect(shown).toContain(
      "add the user _vmail: /usr/sbin/useradd -u 901 -g _vmail -L daemon -c 'Virtual Mailbox Owner' -d /var/empty -s /sbin/nologin _vmail",
    );
    expect(shown).toContain(`make the folder ${PATH} (_vmail:_vmail, mode 0770)`);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    const made = await make();
    expect(await sh(host, "grep '^_vmail:' /etc/master.passwd /etc/group")).toBe(
      [
        "/etc/master.passwd:_vmail:*************:901:901:daemon:0:0:Virtual Mailbox Owner:/var/empty:/sbin/nologin",
        "/etc/group:_vmail:*:901:",
        "",
      ].join("\n"),
    );
    expect(await stat()).toBe("901:901 770\n");
    expect(await sh(host, `ls -A ${PATH}`)).toBe("");
    expect(made.props["uid"]).toBe(901);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("what is there already is used, keeps its content, and stays", async () => {
    await sh(
      host,
      `groupadd -g 901 _vmail; useradd -u 901 -g _vmail -d /var/empty -s /sbin/nologin _vmail; mkdir ${PATH}; chmod 755 ${PATH}; echo x > ${PATH}/kept`,
    );
    const before = await host.snapshot();
    said();
    expect(await refused()).toBe("");
    expect(said()).toContain(
      `up will\ngive ${PATH} to _vmail:_vmail, mode 0770 (now uid 0, gid 0, mode 0755)`,
    );
    const made = await make();
    expect(await stat()).toBe("901:901 770\n");
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
    await sh(host, `rm -r ${PATH}; userdel _vmail; groupdel _vmail`);
  });

  test("each part that is lost or changed is drift, and is repaired", async () => {
    const made = await make();
    const drifts: readonly (readonly [string, Record<string, string>])[] = [
      [`chown root ${PATH}`, { folder: "uid 0, gid 901, mode 0770" }],
      [`chmod 711 ${PATH}`, { folder: "uid 901, gid 901, mode 0711" }],
      [`rmdir ${PATH}`, { folder: "missing" }],
      ["userdel _vmail", { user: "missing" }],
      ["userdel _vmail; groupdel _vmail", { user: "missing", group: "missing" }],
    ];
    for (const [script, drift] of drifts) {
      await sh(host, script);
      await refresh(made);
      expect(made.inputs["present"]).toEqual({
        ...{ folder: "uid 901, gid 901, mode 0770", user: "uid 901, gid 901", group: "gid 901" },
        ...drift,
      });
      expect(await differs(made)).toBe(true);
      await update(made);
      await refresh(made);
      expect(await differs(made)).toBe(false);
    }
    await remove(made);
  });

  test("what somebody else has is named, and nothing is taken from them", async () => {
    await sh(
      host,
      "groupadd -g 950 mates; useradd -u 951 -g mates -d /nonexistent -s /sbin/nologin dora 2>/dev/null",
    );
    expect(await refused({ uid: 951, gid: 901 })).toBe(
      'uid: uid 951 is dora\'s on this host: give another `uid`, or `user: "dora"` if that one is to own the mailboxes.',
    );
    expect(await refused({ gid: 950 })).toBe(
      'gid: gid 950 is the group mates\'s on this host: give another `gid`, or `group: "mates"`.',
    );
    expect(await refused({ user: "dora", group: "mates", gid: 950 })).toContain(
      "user: the user dora of this host has the uid 951 and the login group 950, not 901 and 950",
    );
    expect(await refused({ group: "mates" })).toContain(
      "group: the group mates of this host has the gid 950, not 901",
    );
    await sh(host, "mkdir /var/doras; chown dora /var/doras");
    expect(await refused({ path: "/var/doras" })).toContain(
      "/var/doras on this host belongs to dora, who would lose it to _vmail.",
    );
    expect(await refused({ path: "/var/doras/vmail" })).toContain(
      "the folder /var/doras, through which /var/doras/vmail is reached, belongs to dora",
    );
    expect(await refused({ path: "/var/none/vmail" })).toContain(
      "there is no folder /var/none on this host, in which /var/none/vmail could be made",
    );
    await sh(host, `rmdir /var/doras; userdel dora; groupdel mates; ln -s /etc ${PATH}`);
    expect(await refused()).toContain(`${PATH} on this host is a link to /etc`);
    await sh(host, `rm ${PATH}; echo x > ${PATH}`);
    expect(await refused()).toContain(`${PATH} on this host is no folder`);
    await sh(host, `rm ${PATH}`);
  });

  test("with mail in the folder, destroy undoes nothing and says the ways out; discardMail is one", async () => {
    const before = await host.snapshot();
    const made = await make();
    await sh(host, DELIVERY);
    // A link that the mailboxes' owner may have planted.
    await sh(host, `ln -s /etc/passwd ${PATH}/example.org/alice/cur/link; ln -s /etc ${PATH}/etc`);
    const full = await host.snapshot();
    await expect(remove(made)).rejects.toThrow(
      new RegExp(
        `${PATH} still holds mail: 1 file in 1 maildir\\. [^]*move the mail elsewhere[^]*discardMail: true[^]*retainOnDelete[^]*Nothing was changed`,
      ),
    );
    expect(diffTrees(full, await host.snapshot())).toEqual([]);
    await refresh(made);
    const discarding = news({ discardMail: true });
    expect(await differs(made, discarding)).toBe(true);
    await update(made, discarding);
    expect(diffTrees(full, await host.snapshot())).toEqual([]);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("mailboxes without a message are no mail, and links in them are not followed", async () => {
    const before = await host.snapshot();
    const made = await make();
    await sh(host, DELIVERY);
    await sh(
      host,
      `rm ${PATH}/example.org/alice/new/*; ln -s /etc/passwd ${PATH}/example.org/alice/new/1; ln -s /etc ${PATH}/example.org/etc`,
    );
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("another path makes the new folder and removes the old one, which is refused while it has mail", async () => {
    const before = await host.snapshot();
    const made = await make();
    await sh(host, DELIVERY);
    const moved = { path: "/var/mailboxes" };
    expect(await failures("MailStore", news(moved, true), made.inputs)).toContain(
      `path: ${PATH} still holds mail: 1 file in 1 maildir.`,
    );
    await expect(update(made, news(moved))).rejects.toThrow(`${PATH} still holds mail`);
    expect(await stat()).toBe("901:901 770\n");
    await sh(host, `rm -r ${PATH}/example.org`);
    said();
    expect(await failures("MailStore", news(moved, true), made.inputs)).toBe("");
    expect(said()).toMatch(/make the folder \/var\/mailboxes .*\nremove \/var\/vmail/);
    await update(made, news(moved));
    expect(await stat("/var/mailboxes")).toBe("901:901 770\n");
    expect(await sh(host, `ls -d ${PATH} 2>&1; true`)).toContain("No such file");
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("other numbers and names make the accounts anew, which is refused while there is mail of the old number", async () => {
    const before = await host.snapshot();
    const made = await make();
    await sh(host, DELIVERY);
    expect(await failures("MailStore", news({ uid: 902 }, true), made.inputs)).toContain(
      `uid: ${PATH} holds mail (1 file in 1 maildir) that belongs to uid 901 and gid 901, and virtual(8) could not deliver to it as uid 902 and gid 902.`,
    );
    // The name alone is nothing to the mail.
    await update(made, news({ user: "_boxes" }));
    expect(await sh(host, "id -un 901; id -u _vmail 2>/dev/null; id -gn _boxes; true")).toBe(
      "_boxes\n_boxes\n",
    );
    await sh(host, `rm -r ${PATH}/example.org`);
    await update(made, news({ user: "_boxes", uid: 902 }));
    expect(await stat()).toBe("902:902 770\n");
    expect(await sh(host, "id -u _boxes; id -g _boxes")).toBe("902\n902\n");
    await refresh(made);
    expect(await differs(made, news({ user: "_boxes", uid: 902 }))).toBe(false);
    await remove(made);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });

  test("an account that somebody changed or uses stays, and is named", async () => {
    const made = await make();
    await sh(host, "sed -i 's/^_vmail:\\*:901:.*/_vmail:*:901:root/' /etc/group");
    said();
    await remove(made);
    expect(said()).toContain("the group _vmail stays: root is in it.");
    expect(await sh(host, "grep -c '^_vmail:' /etc/group /etc/passwd; true")).toBe(
      "/etc/group:1\n/etc/passwd:0\n",
    );
    await sh(host, "groupdel _vmail");
  });
});

describe.each(RELEASES)("mailboxes in the spool of a package, OpenBSD %s", (release) => {
  const SPOOL = "/var/spool/postfix/vmail";
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost({ release });
  });
  afterAll(() => host.stop());

  test("the package stays while they hold mail, whoever made them, and undoes nothing", async () => {
    const before = await host.snapshot();
    const connection = connectionTo(host);
    forgetPlans();
    const ofPackage = inputsOf("PostfixPackage", packageOf(release), connection);
    const ofStore = inputsOf("MailStore", { path: SPOOL }, connection);
    // The folder comes with the package, so that the preview of both knows it.
    await checked("PostfixPackage", {}, ofPackage);
    await checked("MailStore", {}, ofStore);
    forgetPlans();
    const postfix = await create("PostfixPackage", ofPackage);
    const store = await create("MailStore", ofStore);
    await sh(host, `echo hello > ${SPOOL}/alice; chown _vmail ${SPOOL}/alice`);
    const full = await host.snapshot();
    await expect(remove(postfix)).rejects.toThrow(
      `its spool goes with it, and holds files that are not Postfix's, as mailboxes are: ${SPOOL} (1 file)`,
    );
    expect(diffTrees(full, await host.snapshot())).toEqual([]);
    await expect(remove(store)).rejects.toThrow(`${SPOOL} still holds mail: 1 file.`);
    await sh(host, `rm ${SPOOL}/alice`);
    // Also in the wrong order: an empty folder is none that anybody misses.
    await remove(postfix);
    await remove(store);
    expect(diffTrees(before, await host.snapshot())).toEqual([]);
  });
});

describe("a line that is cut", () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host.stop());

  const news = (args: Record<string, unknown> = {}): Record<string, unknown> =>
    inputsOf("MailStore", args, connectionTo(host));

  async function bytesOf(work: () => Promise<unknown>): Promise<number> {
    await connect(connectionTo(host) as never);
    const before = (await host.line.counters()).bytesFromClient;
    await work();
    return (await host.line.counters()).bytesFromClient - before;
  }

  async function cutDuring(bytes: number, work: () => Promise<unknown>): Promise<void> {
    await connect(connectionTo(host) as never);
    await host.line.cut({ from: "client", bytes });
    await work().catch(() => undefined);
    await host.line.cut();
  }

  test.each(CUTS)(
    "at %d of a create and of a destroy with mail, one more run is right",
    async (part) => {
      const bare = await host.snapshot();
      const args = { discardMail: true };
      let whole: Made | undefined;
      const creating = await bytesOf(async () => (whole = await create("MailStore", news(args))));
      await sh(host, DELIVERY);
      const removing = await bytesOf(() => remove(whole as Made));
      let made: Made | undefined;
      await cutDuring(Math.round(part * creating), async () => {
        made = await create("MailStore", news(args));
      });
      made ??= await create("MailStore", news(args));
      await refresh(made);
      expect(await differs(made)).toBe(false);
      await sh(host, DELIVERY);
      const one = made;
      await cutDuring(Math.round(part * removing), () => remove(one));
      said();
      await remove(one);
      expect(said()).not.toContain("warning");
      expect(diffTrees(bare, await host.snapshot())).toEqual([]);
    },
  );
});
