/** The host's own Postfix judges a main.cf before it goes live. */
import { forgetPlans } from "../../provider/driver/overlay";
import { poolCounters } from "../../provider/host/pool";
import { KNOWN_PARAMETERS, PER_TRANSPORT } from "../../provider/postfix/knownParameters";
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { connectionTo, packageOf, sh } from "../preview/server";
import {
  checked,
  create,
  differs,
  failures,
  inputsOf,
  refresh,
  remove,
  said,
  update,
} from "./provider";

let host: TestHost;
let before: Tree;

beforeAll(async () => {
  host = await startHost({ release: "7.8" });
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf("7.8"), connectionTo(host)));
  before = await host.snapshot();
});
afterAll(() => host.stop());

function judged(parameters: Record<string, string>): Promise<string> {
  return failures(
    "MainCf",
    inputsOf("MainCf", { parameters }, connectionTo(host), { preview: true }),
  );
}

test.each([
  [
    "a misspelt name",
    { myhostnam: "mx.example.org" },
    /^parameters\.myhostnam: \/etc\/postfix\/main\.cf, line \d+: myhostnam: did you mean myhostname\?/,
  ],
  ["a value that Postfix refuses", { inet_protocols: "ipv7" }, /inet_protocols/],
  [
    "a table type that it does not have",
    { alias_maps: "hsh:/etc/aliases" },
    /^parameters\.alias_maps: .*no table type "hsh": did you mean hash\?/,
  ],
  [
    "a name that is not set anywhere",
    { smtpd_banner: "$nope ESMTP" },
    /^parameters\.smtpd_banner|undefined.*nope/,
  ],
])("%s fails the preview, and the host stays as it was", async (_law, parameters, says) => {
  expect(await judged(parameters)).toMatch(says);
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
});

test("a configuration that Postfix takes passes", async () => {
  expect(
    await judged({
      myhostname: "mx.example.org",
      mydestination: "$myhostname, localhost",
      alias_maps: "pcre:/etc/postfix/header_checks",
    }),
  ).toBe("");
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
});

test("a judgement leaves no line in the mail log, whatever it finds, and makes no log file", async () => {
  const log = (): Promise<string> => sh(host, "logger -p mail.info marked; cat /var/log/maillog");
  const withoutMark = (text: string): string => text.replace(/^.* marked\n/gm, "");
  const lines = withoutMark(await log());
  // A level that no rule knows is what postfix(1) stops at, and what the tool of a table says it logs as well.
  expect(await judged({ inet_protocols: "ipv7" })).toMatch(/inet_protocols/);
  expect(await judged({ maillog_file: "/var/log/postfix.log" })).toBe("");
  const connection = connectionTo(host);
  for (const [kind, args] of [
    ["LookupTable", { path: "/etc/postfix/twice", type: "hash", text: "a b\nc\na d\n" }],
    ["Aliases", { aliases: { root: ["alice"] } }],
  ] as const)
    await failures(kind, inputsOf(kind, args, connection, { preview: true }));
  expect(withoutMark(await log())).toBe(lines);
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
});

test("what was wrong before us is a warning, not a failure", async () => {
  await sh(host, "echo 'my_own_typo = 1' >> /etc/postfix/main.cf");
  said();
  expect(await judged({ myhostname: "mx.example.org" })).toBe("");
  expect(said()).toMatch(/MainCf warning: already so before: .*my_own_typo/);
});

test("every parameter of the host's own Postfix is known, with the kind of value that its default has", async () => {
  const defaults = await sh(host, "postconf -d");
  const kinds: Readonly<Record<string, string>> = KNOWN_PARAMETERS;
  const unlike: string[] = [];
  for (const [, name = "", value = ""] of defaults.matchAll(/^(\w+) = ?(.*)$/gm)) {
    if (PER_TRANSPORT.some((suffix) => name.endsWith(`_${suffix}`))) continue;
    const kind = kinds[name];
    const fits =
      kind === "text" ||
      value.includes("$") ||
      (kind === "boolean" && /^(yes|no)$/.test(value)) ||
      (kind === "number" && /^-?\d+$/.test(value)) ||
      (kind === "time" && /^\d+[smhdw]?$/.test(value));
    if (!fits) unlike.push(`${name}, ${kind ?? "unknown"}: ${value}`);
  }
  expect(unlike).toEqual([]);
});

describe("a main.cf", () => {
  const PATH = "/etc/postfix/main.cf";
  const news = (args: Record<string, unknown>): Record<string, unknown> =>
    inputsOf("MainCf", args, connectionTo(host));
  const saved = "/etc/postfix/main.cf.saved";
  // Others own other things here, so that the record stays and changes.
  const changed = async (bare: Tree): Promise<string[]> =>
    diffTrees(bare, await host.snapshot()).filter((path) => !/pulumi-openbsd-postfix/.test(path));
  beforeEach(() => {
    forgetPlans();
    return sh(host, `cp -p ${PATH} ${saved}`);
  });
  afterEach(() => sh(host, `rm -f ${PATH} /etc/postfix/real.cf && mv ${saved} ${PATH}`));

  test("that only root may read stays so, and so do its owner and its group", async () => {
    await sh(host, `chmod 600 ${PATH} && chgrp _postfix ${PATH}`);
    const bare = await host.snapshot();
    const made = await create("MainCf", news({ parameters: { mydomain: "example.org" } }));
    expect(await sh(host, `stat -f "%Lp %Sg" ${PATH}`)).toBe("600 _postfix\n");
    await remove(made);
    expect(await changed(bare)).toEqual([]);
  });

  test("that is a symbolic link stays one, and what it points to is changed", async () => {
    await sh(host, `mv ${PATH} /etc/postfix/real.cf && ln -s real.cf ${PATH}`);
    const bare = await host.snapshot();
    const made = await create("MainCf", news({ parameters: { mydomain: "example.org" } }));
    expect(await sh(host, `readlink ${PATH}; tail -1 /etc/postfix/real.cf`)).toBe(
      "real.cf\nmydomain = example.org\n",
    );
    await remove(made);
    expect(await changed(bare)).toEqual([]);
  });

  test("that sets a name twice is read as Postfix does, and both lines are named", async () => {
    await sh(host, `printf 'biff = yes\nbiff = no\n' >> ${PATH}`);
    said();
    const made = await create("MainCf", {
      ...news({ parameters: { mydomain: "example.org" } }),
      owner: {
        urn: "urn:pulumi:test::project::openbsd-postfix:index:MainCf::MainCf",
        preview: true,
      },
    });
    expect(said()).toMatch(/MainCf warning: .*biff is set on lines (\d+) and (\d+)/);
    await remove(made);
  });

  test("is in the mode exact what is named and nothing else, and destroy gives all back", async () => {
    const bare = await host.snapshot();
    const kept = {
      queue_directory: "/var/spool/postfix",
      data_directory: "/var/postfix",
      daemon_directory: "/usr/local/libexec/postfix",
      command_directory: "/usr/local/sbin",
      mail_owner: "_postfix",
      setgid_group: "_postdrop",
      mydomain: "example.org",
      // Without it Postfix has the defaults of old, and no guard against relaying among them.
      compatibility_level: "3.7",
    };
    const exact = news({ mode: "exact", parameters: kept });
    said();
    await checked(
      "MainCf",
      {},
      { ...exact, owner: { ...(exact["owner"] as object), preview: true } },
    );
    expect(said()).toMatch(/^-debug_peer_level = 2$/m);
    const made = await create("MainCf", exact);
    const set = await sh(host, `grep -v '^[[:space:]]*#' ${PATH} | grep '[^[:space:]]'`);
    expect(set.split("\n").filter((line) => line !== "")).toHaveLength(Object.keys(kept).length);
    await refresh(made);
    expect(await differs(made)).toBe(false);
    await sh(host, `echo 'biff = yes' >> ${PATH}`);
    await refresh(made);
    expect(made.inputs["parameters"]).toMatchObject({ biff: "yes" });
    expect(await differs(made)).toBe(true);
    await update(made);
    expect(await sh(host, `grep -c '^biff' ${PATH}; true`)).toBe("0\n");
    await sh(host, `sed -i '/^debug_peer/d' ${PATH}`);
    await remove(made);
    expect((await changed(bare)).filter((path) => !/main\.cf: contents/.test(path))).toEqual([]);
    expect(await sh(host, "/usr/local/sbin/postconf -h debug_peer_level")).toBe("2\n");
  });

  test("has names of one's own where they are declared, and not otherwise", async () => {
    const parameters = { site_contact: "alice" };
    expect(await failures("MainCf", news({ parameters }))).toMatch(
      /site_contact is no parameter of this Postfix.*userDefined/,
    );
    expect(await failures("MainCf", news({ parameters, userDefined: ["site_contact"] }))).toBe("");
  });

  test("may be what a rule forbids where that is said", async () => {
    const parameters = { mynetworks: "127.0.0.0/8, [::1]/128, 0.0.0.0/0" };
    expect(await failures("MainCf", news({ parameters }))).toMatch(/relays mail for everybody/);
    expect(await failures("MainCf", news({ parameters, accept: ["openRelay"] }))).toBe("");
    expect(await failures("MainCf", news({ parameters, accept: ["relay"] }))).toMatch(
      /^accept\[0\]: there is no rule "relay"/,
    );
  });

  test("says so for others in later runs too, until it is taken back", async () => {
    const open = inputsOf(
      "MasterCf",
      {
        services: {
          "submission/inet": {
            command: "smtpd",
            overrides: { smtpd_relay_restrictions: "permit" },
          },
        },
      },
      connectionTo(host),
      { preview: true },
    );
    const parameters = { mydomain: "example.org" };
    const made = await create("MainCf", news({ parameters }));
    expect(await failures("MasterCf", open)).toMatch(/submission takes no mail: smtpd\(8\) ends/);
    // Nothing on the host changes but the record.
    forgetPlans();
    const accepting = news({ parameters, accept: ["openRelay"] });
    const written = await sh(host, `stat -f %m ${PATH}`);
    await update(made, accepting);
    expect(await sh(host, `stat -f %m ${PATH}`)).toBe(written);
    expect(await differs(made, accepting)).toBe(false);
    expect(await failures("MasterCf", open)).toBe("");
    forgetPlans();
    await update(made, news({ parameters }));
    expect(await failures("MasterCf", open)).toMatch(/submission takes no mail: smtpd\(8\) ends/);
    await remove(made);
  });

  test("that trusts the host itself by IPv4 only is warned of", async () => {
    said();
    const inputs = news({ parameters: { mynetworks: "127.0.0.0/8" } });
    await checked(
      "MainCf",
      {},
      { ...inputs, owner: { ...(inputs["owner"] as object), preview: true } },
    );
    expect(said()).toMatch(/warning: .*not \[::1\]\/128/);
  });

  test("is judged in one request for the judgement, whatever it names", async () => {
    await failures("MainCf", news({ parameters: { biff: "no" } }));
    const before = poolCounters();
    await failures("MainCf", news({ parameters: { biff: "no", mydomain: "example.org" } }));
    // What the kind looks at, the two files, and the judgement together with tables and daemons.
    expect(poolCounters().roundTrips - before.roundTrips).toBeLessThanOrEqual(4);
  });
});
