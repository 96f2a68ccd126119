/** Services in master.cf, through the provider's own methods, and as Postfix reads them. */
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

const PATH = "/etc/postfix/master.cf";

const SERVICES = {
  // Stands commented out in the file that comes with Postfix.
  "submission/inet": {
    command: "smtpd",
    overrides: { syslog_name: "postfix/submission", smtpd_tls_security_level: "may" },
  },
  "smtp/inet": { maxproc: "20", overrides: { smtpd_client_connection_count_limit: "5" } },
  "relay/unix": null,
  "policy/unix": {
    private: "-",
    unprivileged: "n",
    maxproc: "0",
    command: "spawn",
    args: ["user=nobody", "argv=/usr/local/bin/policy"],
  },
};

/** The package's record stays, with the note of a reload that nobody does here. */
const beyondTheNote = (path: string): boolean =>
  path !== "/var/db/pulumi-openbsd-postfix/record.json: contents";

describe.each<Release>([...RELEASES])("OpenBSD %s", (release) => {
  let host: TestHost;
  let bare: Tree;
  let original: string;

  const news = (services: Record<string, unknown>, preview = false): Record<string, unknown> =>
    inputsOf("MasterCf", { services }, connectionTo(host), { preview });
  const file = (): Promise<string> => sh(host, `cat ${PATH}`);
  const line = async (start: string): Promise<string> =>
    (await file()).split("\n").find((one) => one.startsWith(start)) ?? "";
  const left = async (): Promise<readonly string[]> =>
    diffTrees(bare, await host.snapshot()).filter(beyondTheNote);
  const run = (services: Record<string, unknown> = SERVICES): Promise<Made> =>
    create("MasterCf", news(services));

  beforeAll(async () => {
    host = await startHost({ release });
    await create(
      "PostfixPackage",
      inputsOf("PostfixPackage", packageOf(release), connectionTo(host)),
    );
    bare = await host.snapshot();
    original = await file();
  });
  afterAll(() => host.stop());

  test("services are added, changed and removed, a second time nothing is written, and destroy gives every byte back", async () => {
    await checked("MasterCf", {}, news(SERVICES, true));
    expect(await left()).toEqual([]);
    said();
    const made = await run();
    const now = await file();
    // A new service is chrooted as its like: explicitly where the file does so, by "-" where it leaves it to Postfix.
    const [, , , , chroot] = (await line("smtp ")).split(/\s+/);
    expect(now).toMatch(
      new RegExp(
        `^#submission inet.*\\n(#  .*\\n)*submission +inet +n +- +${chroot} +- +- +smtpd\\n  -o syslog_name=postfix/submission\\n  -o smtpd_tls_security_level=may\\n`,
        "m",
      ),
    );
    expect(await line("policy ")).toMatch(
      /^policy +unix +- +n +n +- +0 +spawn user=nobody argv=\/usr\/local\/bin\/policy$/,
    );
    expect(await line("smtp ")).toMatch(/ 20 +smtpd$/);
    expect(now).not.toMatch(/^relay /m);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await update(made);
    expect(await file()).toBe(now);
    expect(await sh(host, "cat /var/db/pulumi-openbsd-postfix/record.json")).toContain('"reload"');
    await remove(made);
    expect(await left()).toEqual([]);
  });

  test("drift is shown by service and part, and repaired", async () => {
    const made = await run();
    const wanted = await file();
    for (const [script, shown] of [
      ["s/^smtp \\(.*\\) 20 /smtp \\1 30 /", '"maxproc":"30"'],
      ["s/security_level=may/security_level=none/", '"smtpd_tls_security_level":"none"'],
      ["/^submission/,/security_level/d", '"submission/inet":null'],
      ["s/^policy .*/policy unix - n n - 0 spawn user=root argv=x/", '"user=root"'],
    ] as const) {
      await sh(host, `sed -i '${script}' ${PATH}`);
      await refresh(made);
      expect(JSON.stringify(made.inputs["services"])).toContain(shown);
      expect({ script, differs: await differs(made) }).toEqual({ script, differs: true });
      await update(made);
      await refresh(made);
      expect(await differs(made)).toBe(false);
    }
    // The columns of a line that somebody wrote anew are his.
    expect((await file()).replace(/[ \t]+/g, " ")).toBe(wanted.replace(/[ \t]+/g, " "));
    await remove(made);
    expect(await left()).toEqual([]);
  });

  test("what an admin writes beside it stays, in the same service and elsewhere", async () => {
    const made = await run();
    await sh(
      host,
      `sed -i 's/^smtp  *inet  *n /smtp      inet  y /' ${PATH}; echo '# mine' >> ${PATH}`,
    );
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await update(made);
    expect(await line("smtp ")).toMatch(/^smtp +inet +y .* 20 +smtpd$/);
    await remove(made);
    expect(await file()).toBe(
      `${original.replace(/^smtp( +)inet( +)n /m, "smtp      inet  y ")}# mine\n`.replace(
        "smtp      inet  y ",
        (await line("smtp ")).slice(0, 18),
      ),
    );
    await sh(host, `cat > ${PATH} <<'END'\n${original}END`);
    expect(await left()).toEqual([]);
  });

  test("a part that is no longer named is as it was before, and a service no longer named goes or comes back", async () => {
    const made = await run();
    await update(
      made,
      news({ "submission/inet": { command: "smtpd" }, "smtp/inet": { maxproc: "20" } }),
    );
    const now = await file();
    expect(now).toMatch(/^relay /m);
    expect(now).not.toMatch(/^policy |count_limit|^ +-o smtpd_tls_security_level=may\n/m);
    await update(made, news({ "smtp/inet": { maxproc: "20" } }));
    expect((await file()).replace(" 20 ", " - ")).toBe(original);
    await update(made, news({}));
    expect(await file()).toBe(original);
    await remove(made);
    expect(await left()).toEqual([]);
  });

  test.each([
    [
      "a service without its command",
      { "new/inet": { chroot: "n" } },
      /^services\["new\/inet"\]: .*no service new\/inet: give its command/,
    ],
    ["a name without a type", { smtp: {} }, /^services\["smtp"\]: .*name\/type/],
    [
      "a column that it does not take",
      { "smtp/inet": { chroot: "maybe" } },
      /chroot: must be "y", "n" or "-"/,
    ],
    [
      "an override among the arguments",
      { "smtp/inet": { args: ["-o", "a=b"] } },
      /args: .*give it as an override/,
    ],
    [
      "a newline in an override",
      { "smtp/inet": { overrides: { a: "b\nc" } } },
      /overrides\.a: .*one line/,
    ],
    [
      "a part that is none",
      { "smtp/inet": { comand: "smtpd" } },
      /comand: is no part of a service/,
    ],
  ])("%s fails the preview", async (_law, services, says) => {
    expect(await failures("MasterCf", news(services))).toMatch(says);
    expect(await left()).toEqual([]);
  });

  test("a value with blanks stands in braces where Postfix knows them, and is refused where it does not", async () => {
    const services = { "smtp/inet": { overrides: { smtpd_banner: "$myhostname ESMTP" } } };
    if (release === "4.7") {
      expect(await failures("MasterCf", news(services))).toMatch(
        /Postfix 2\.6\S* cannot keep blanks/,
      );
      return;
    }
    const made = await run(services);
    expect(await file()).toContain("\n  -o { smtpd_banner = $myhostname ESMTP }\n");
    const { stdout } = await host.exec([
      "/usr/local/sbin/postconf",
      "-P",
      "smtp/inet/smtpd_banner",
    ]);
    expect(stdout).toContain("$myhostname ESMTP");
    await remove(made);
    expect(await left()).toEqual([]);
  });

  test("what was wrong in the file before is a warning, unless it stands in the way", async () => {
    await sh(
      host,
      `echo 'broken inet n - -' >> ${PATH}; echo 'bad inet n - n - - smtpd -o' >> ${PATH}`,
    );
    said();
    expect(await failures("MasterCf", news({ "smtp/inet": { maxproc: "20" } }, true))).toBe("");
    expect(said()).toMatch(
      /warning: already so before: \/etc\/postfix\/master\.cf, line \d+ has fewer than 8/,
    );
    expect(await failures("MasterCf", news({ "bad/inet": { maxproc: "20" } }))).toMatch(
      /master\.cf, line \d+: bad\/inet has an -o .*fix it by hand/,
    );
    await sh(host, `cat > ${PATH} <<'END'\n${original}END`);
  });
});

test("on a host without Postfix it shows what it will set in the file that the package brings", async () => {
  const host = await startHost({ release: "7.8" });
  try {
    await checked(
      "PostfixPackage",
      {},
      inputsOf("PostfixPackage", packageOf("7.8"), connectionTo(host), { preview: true }),
    );
    said();
    await checked(
      "MasterCf",
      {},
      inputsOf("MasterCf", { services: SERVICES }, connectionTo(host), { preview: true }),
    );
    const words = said();
    expect(words).toContain("+submission/inet:command = smtpd\n");
    expect(words).toContain("+# without relay/unix\n");
    expect(words).toContain("+smtp/inet/smtpd_client_connection_count_limit = 5\n");
  } finally {
    await host.stop();
  }
});
