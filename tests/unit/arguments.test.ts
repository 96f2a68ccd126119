/** What may be said of each step: laws that hold for every one of them, whatever its arguments are. */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import type { AliasesArgs } from "../../provider/arguments/aliases";
import type { ChrootResolvArgs } from "../../provider/arguments/chrootResolv";
import type { LookupTableArgs } from "../../provider/arguments/lookupTable";
import type { MailCheckArgs } from "../../provider/arguments/mailCheck";
import type { MailStoreArgs } from "../../provider/arguments/mailStore";
import type { MainCfArgs } from "../../provider/arguments/mainCf";
import type { MasterCfArgs } from "../../provider/arguments/masterCf";
import type { PostfixDocsArgs } from "../../provider/arguments/postfixDocs";
import type { PostfixPackageArgs } from "../../provider/arguments/postfixPackage";
import type { PostfixServiceArgs } from "../../provider/arguments/postfixService";
import type { RcConfLocalArgs } from "../../provider/arguments/rcConfLocal";
import type { RootCrontabArgs } from "../../provider/arguments/rootCrontab";
import type { TlsCertificateArgs } from "../../provider/arguments/tlsCertificate";
import {
  argumentNames,
  type Failure,
  list,
  single,
  violations,
} from "../../provider/arguments/schema";
import * as provider from "../../provider";
import type { AnyKind } from "../../provider/contract/kind";
import { platformOf } from "../../provider/openbsd/platform";
import { pathParts, UNKNOWN } from "../../provider/values/json";

/** Every argument of each step, and every kind of value that it takes. */
const SAMPLES: Readonly<Record<string, readonly object[]>> = {
  Aliases: [
    {
      entries: { root: ["alice", '"|/bin/x -y"'], "a b": ["/var/log/x"], constructor: ["bob"] },
      mode: "exact",
      file: "/etc/mail/aliases",
    } satisfies Required<AliasesArgs>,
  ],
  BaseMailer: [{}],
  ChrootResolv: [{ files: ["hosts", "ssl/cert.pem"] } satisfies Required<ChrootResolvArgs>],
  LookupTable: [
    {
      path: "/etc/postfix/transport",
      type: "hash",
      entries: { "example.com": "smtp:[10.1.0.2]", gone: null },
      mode: "merge",
      permissions: { mode: "0640", owner: "root", group: "_postfix" },
    } satisfies LookupTableArgs,
    { path: "/etc/postfix/checks", type: "regexp", text: "x REJECT\n" },
    {
      path: "/etc/postfix/mysql.cf",
      type: "mysql",
      text: "dbname = mail\nquery = SELECT 1\n",
      probe: "alice@example.org",
    },
  ],
  MailCheck: [
    {
      recipient: "alice",
      sender: "",
      host: "127.0.0.1",
      port: 25,
      timeoutSeconds: 0.5,
      keep: true,
      outside: { host: "mx1.example.org", port: 2525 },
      login: { user: "alice", password: "a password" },
      tls: "starttls",
      tlsName: "mx1.example.org",
      tlsCa: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
      deliveredBy: "mailbox",
      triggers: [1, "a", { b: [null] }],
    } satisfies Required<MailCheckArgs>,
    { recipient: "a@example.org", outside: true },
  ],
  MailStore: [
    {
      path: "/var/vmail",
      user: "_vmail",
      uid: 901,
      group: "_mail",
      gid: 902,
      mode: "0770",
      discardMail: false,
    } satisfies Required<MailStoreArgs>,
    { path: "/var/spool/postfix/vmail", uid: 100, mode: "700" },
  ],
  MailerConf: [{}],
  MainCf: [
    {
      parameters: {
        biff: false,
        relayhost: null,
        message_size_limit: 1,
        "policy.x": "",
        mode: "x",
      },
      mode: "merge",
      userDefined: ["site_contact"],
      accept: ["openRelay"],
    } satisfies Required<MainCfArgs>,
  ],
  MasterCf: [
    {
      services: {
        "smtp/inet": {
          private: "n",
          unprivileged: "-",
          chroot: "y",
          wakeup: "60?",
          maxproc: "20",
          command: "smtpd",
          args: ["-v"],
          overrides: { smtpd_tls_security_level: "encrypt", content_filter: null },
        },
        "gone/unix": null,
      },
      accept: ["transport"],
    } satisfies Required<MasterCfArgs>,
  ],
  PostfixDocs: [{ path: "/var/www/x/y", triggers: [] } satisfies Required<PostfixDocsArgs>],
  PostfixPackage: [
    {
      version: "3.5.25p2",
      flavors: ["sasl2", "mysql"],
      branch: "stable35",
      source: "ports",
      packagePath: "http://mirror.example.org/pub/",
      lockTimeout: 0,
      discardQueue: false,
    } satisfies Required<PostfixPackageArgs>,
  ],
  PostfixService: [
    { triggers: [1], confirmWithinSeconds: 60 } satisfies Required<PostfixServiceArgs>,
  ],
  RcConfLocal: [
    {
      boot: "unchanged",
      logSocket: "auto",
      variables: { ntpd_flags: "-s" },
      flags: { syslogd_flags: ["-h"] },
      packageScripts: ["postfix"],
    } satisfies Required<RcConfLocalArgs>,
    { logSocket: true },
  ],
  RootCrontab: [{ commentOut: ["x", "/y +z/"] } satisfies Required<RootCrontabArgs>],
  TlsCertificate: [
    {
      certificatePath: "/etc/ssl/mx1.fullchain.pem",
      privateKeyPath: "/etc/ssl/private/mx1.key",
      certificate: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
      privateKey: "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----",
      names: ["mx1.example.org"],
    } satisfies Required<TlsCertificateArgs>,
    { certificatePath: "/etc/ssl/both.pem", privateKeyPath: "/etc/ssl/both.pem" },
  ],
};

/** Objects inside the arguments that have names of their own, which nobody chooses. */
const WITHIN: Readonly<Record<string, readonly string[]>> = {
  LookupTable: ["permissions"],
  MailCheck: ["outside", "login"],
  MasterCf: ['services["smtp/inet"]'],
};

const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  Aliases: ["entries"],
  LookupTable: ["path", "mode of permissions"],
  MailCheck: ["recipient", "user of login", "password of login"],
  MainCf: ["parameters"],
  MasterCf: ["services"],
  TlsCertificate: ["certificatePath", "privateKeyPath"],
};

/** Arguments that mean nothing without another one: they go with it. */
const GO_WITH: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  LookupTable: { type: "probe", text: "probe" },
};

/** Whatever is in there is right. */
const ANYTHING = /^(triggers\[|parameters[.[])/;

const folder = resolve(__dirname, "../../provider/kinds");
const kinds = readdirSync(folder)
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- all that there are, whatever their names
  .flatMap((file) => Object.values(require(join(folder, file)) as Record<string, unknown>))
  .filter((one): one is AnyKind => typeof one === "object" && one !== null && "complete" in one);

const cases = kinds.flatMap((kind) =>
  (SAMPLES[kind.name] ?? []).map(
    (sample, index) => [`${kind.name} ${index}`, kind, sample] as const,
  ),
);

type Values = Readonly<Record<string, unknown>>;

/** The paths of everything in a value, as failures have them. */
function pathsIn(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const part = Array.isArray(value)
      ? `[${key}]`
      : /^[\w-]+$/.test(key)
        ? `.${key}`
        : `[${JSON.stringify(key)}]`;
    const own = `${path}${part}`.replace(/^\./, "");
    return [own, ...pathsIn(item, own)];
  });
}

/** The value with another one at a path; `undefined` takes away what is there. */
function withAt(value: unknown, path: string, other: unknown): unknown {
  const put = (at: unknown, [part, ...rest]: readonly string[]): unknown => {
    if (part === undefined) return other;
    if (Array.isArray(at))
      return at.map((item: unknown, index) => (String(index) === part ? put(item, rest) : item));
    const { [part]: old, ...others } = at as Values;
    return Object.fromEntries([...Object.entries(others), [part, put(old, rest)]]);
  };
  return put(value, pathParts(path));
}

function at(value: unknown, path: string): unknown {
  return pathParts(path).reduce((found, part) => (found as Values)[part], value);
}

const found = (kind: AnyKind, values: unknown): readonly Failure[] =>
  violations(kind.arguments, values);

test("there is a sample for every step, with each of its arguments", () => {
  expect(kinds.map(({ name }) => name).sort()).toEqual(Object.keys(SAMPLES).sort());
  for (const { name, arguments: schema } of kinds) {
    const sampled = new Set(SAMPLES[name]?.flatMap((sample) => Object.keys(sample)));
    expect([name, [...argumentNames(schema)].sort()]).toEqual([name, [...sampled].sort()]);
  }
});

test.each(cases)("%s: what is right passes", (_name, kind, sample) => {
  expect(found(kind, sample)).toEqual([]);
});

describe("a name that is none", () => {
  test.each([
    ["RootCrontab", { comentOut: [] }, "comentOut", "commentOut"],
    ["LookupTable", { path: "/a/b", moed: "exact" }, "moed", "mode"],
    ["PostfixPackage", { versoin: "3.5.25" }, "versoin", "version"],
    [
      "LookupTable",
      { path: "/a/b", permissions: { mode: "0600", moed: "" } },
      "permissions.moed",
      "mode",
    ],
    [
      "MasterCf",
      { services: { "a/unix": { comand: "" } } },
      'services["a/unix"].comand',
      "command",
    ],
    ["MailCheck", { recipient: "a", outside: { prot: 1 } }, "outside.prot", "port"],
  ])("%s with %j: %s for %s", (name, values, path, meant) => {
    const kind = kinds.find((one) => one.name === name) as AnyKind;
    expect(found(kind, values)).toEqual([
      {
        path,
        reason: expect.stringMatching(new RegExp(`^is no .*: did you mean ${meant}\\?$`)) as string,
      },
    ]);
  });

  test.each(cases)("%s: a slip in any of its names is told from it", (_name, kind, sample) => {
    const places = ["", ...(WITHIN[kind.name] ?? [])].filter(
      (path) => typeof at(sample, path) === "object",
    );
    for (const place of places)
      for (const name of Object.keys(at(sample, place) as object)) {
        const slip = `${name.slice(0, -2)}${name.at(-1) ?? ""}${name.at(-2) ?? ""}x`.slice(
          0,
          name.length,
        );
        const path = place === "" ? slip : `${place}.${slip}`;
        const failures = found(kind, withAt(sample, path, at(sample, place)));
        expect(failures.map((one) => one.path)).toEqual([path]);
        expect(failures[0]?.reason).toMatch(/^is no [\w ]+: (did you mean \w+\?|[\w, ]+\.)$/);
      }
  });

  test.each(kinds.map((kind) => [kind.name, kind] as const))(
    "%s: whatever it is",
    (_name, kind) => {
      const [sample] = SAMPLES[kind.name] ?? [];
      const names = fc.oneof(fc.string(), fc.constantFrom("constructor", "toString", "prototype"));
      fc.assert(
        fc.property(
          names,
          fc.constantFrom(...["", ...(WITHIN[kind.name] ?? [])]),
          (name, place) => {
            const known = at(sample, place) as object;
            fc.pre(!Object.hasOwn(known, name) && !argumentNames(kind.arguments).includes(name));
            const more = Object.fromEntries([...Object.entries(known), [name, "canary"]]);
            const failures = found(kind, withAt(sample, place, more));
            expect(failures).toHaveLength(1);
            expect(failures[0]?.reason).toMatch(/^is no /);
            expect(failures[0]?.reason).not.toContain("canary");
          },
        ),
        { numRuns: 200 },
      );
    },
  );

  test.each(cases)("%s: what the release fills in is no argument", (_name, kind, sample) => {
    const completed = kind.complete(sample as Values, platformOf("7.8"));
    const filledIn = Object.keys(completed).filter(
      (name) => !argumentNames(kind.arguments).includes(name),
    );
    expect(found(kind, completed).map(({ path }) => path)).toEqual(filledIn);
  });

  test("fails the preview, with its path", async () => {
    const values = { connection: { host: "mx1.example.org", prot: 22 }, comentOut: ["x"] };
    const { failures } = await provider.check("RootCrontab", {}, values);
    expect(failures.map(({ reason }) => reason)).toEqual([
      "connection.prot: is no part of a connection: did you mean port?",
      "comentOut: is no argument of this step: did you mean commentOut?",
    ]);
  });
});

describe("a value of the wrong type", () => {
  /** What no argument takes, and what none takes in place of such a value. */
  function wrongFor(value: unknown): unknown[] {
    const never = [{ "no name": { wrong: {} } }, [{ wrong: {} }], () => 1, Number.NaN];
    if (Array.isArray(value)) return [...never, "text", {}, 5, null];
    if (typeof value === "object" && value !== null) return [...never, "text", [], 5];
    return typeof value === "number" ? [...never, "5", true] : [...never, 5];
  }

  test.each(cases)("%s: is refused at every place, at that place", (_name, kind, sample) => {
    for (const path of pathsIn(sample).filter((one) => !ANYTHING.test(one)))
      for (const wrong of wrongFor(at(sample, path))) {
        if (path === "triggers" && Array.isArray(wrong)) continue;
        const failures = found(kind, withAt(sample, path, wrong));
        expect([path, wrong, failures.length > 0]).toEqual([path, wrong, true]);
        for (const failure of failures) expect(failure.path.startsWith(path)).toBe(true);
        for (const failure of failures) expect(failure.reason).toMatch(/\.$|\?$/);
      }
  });

  test.each([[{}], [[]], [() => 1], [1.5], [Number.NaN], ["a\nb"]])(
    "a parameter is not %p",
    (value) => {
      const mainCf = kinds.find(({ name }) => name === "MainCf") as AnyKind;
      expect(found(mainCf, { parameters: { relayhost: value } })).toEqual([
        expect.objectContaining({ path: "parameters.relayhost" }),
      ]);
    },
  );

  test.each(kinds.map((kind) => [kind.name, kind] as const))(
    "%s: nothing at all makes it stumble",
    (_name, kind) => {
      const [sample] = SAMPLES[kind.name] ?? [];
      fc.assert(
        fc.property(fc.jsonValue(), fc.constantFrom("", ...pathsIn(sample)), (value, path) => {
          for (const { reason } of found(kind, withAt(sample, path, value)))
            expect(reason).not.toBe("");
        }),
        { numRuns: 200 },
      );
    },
  );

  test.each(cases)("%s: is not repeated, for it may be a secret", (_name, kind, sample) => {
    const places = pathsIn(sample).filter((path) => typeof at(sample, path) === "string");
    // Names of rules and flavors, and what master.cf gives to a program, are repeated; `check` masks what is secret.
    for (const path of places.filter((one) => !/^(accept|flavors)\[|\.args\[/.test(one)))
      for (const wrong of ["canary\n", "canary\0", " canary canary", "canary\ud800"]) {
        const said = JSON.stringify(found(kind, withAt(sample, path, wrong)));
        expect([path, said.includes("canary")]).toEqual([path, false]);
      }
  });
});

describe("a value that is not known yet", () => {
  test.each(cases)("%s: is no failure, wherever it stands", (_name, kind, sample) => {
    for (const path of pathsIn(sample))
      expect([path, found(kind, withAt(sample, path, UNKNOWN))]).toEqual([path, []]);
    expect(found(kind, UNKNOWN)).toEqual([]);
  });

  test.each(cases)("%s: nor are several", (_name, kind, sample) => {
    const paths = pathsIn(sample);
    if (paths.length === 0) return;
    fc.assert(
      fc.property(fc.subarray(paths), (unknown) => {
        // What is inside of another goes first: it is not there afterwards.
        const values = [...unknown]
          .reverse()
          .reduce<unknown>((all, path) => withAt(all, path, UNKNOWN), sample);
        expect(found(kind, values)).toEqual([]);
      }),
    );
  });

  test("does not hide what is wrong beside it, which keeps its place", () => {
    const aliases = kinds.find(({ name }) => name === "Aliases") as AnyKind;
    const values = { entries: { root: [UNKNOWN, "a b"], more: UNKNOWN }, mode: "all" };
    expect(found(aliases, values).map(({ path }) => path)).toEqual(["entries.root[1]", "mode"]);
  });

  test("leaves open what depends on it", () => {
    const table = kinds.find(({ name }) => name === "LookupTable") as AnyKind;
    const text = "/^Subject: x/";
    expect(found(table, { path: "/a/b", type: UNKNOWN, text })).toEqual([]);
    expect(found(table, { path: "/a/b", type: "hash", text })).toHaveLength(1);
    const { failures } = list(
      single<string>(() => undefined),
      "",
      () => "is wrong as a whole.",
    );
    expect([failures(["a", UNKNOWN]).length, failures(["a", "b"]).length]).toEqual([0, 1]);
  });
});

test.each(cases)("%s: what must be given is missed, and nothing else", (_name, kind, sample) => {
  const missed = (path: string): string[] => {
    const other = GO_WITH[kind.name]?.[path];
    const rest = other === undefined ? sample : withAt(sample, other, undefined);
    return found(kind, withAt(rest, path, undefined)).map(({ reason }) => reason);
  };
  for (const name of Object.keys(sample)) {
    const isRequired = REQUIRED[kind.name]?.includes(name) ?? false;
    expect([name, missed(name)]).toEqual([name, isRequired ? ["must be given."] : []]);
  }
  for (const place of WITHIN[kind.name] ?? [])
    for (const name of typeof at(sample, place) === "object"
      ? Object.keys(at(sample, place) as object)
      : []) {
      const isRequired = REQUIRED[kind.name]?.includes(`${name} of ${place}`) ?? false;
      expect([name, missed(`${place}.${name}`)]).toEqual([
        name,
        isRequired ? ["must be given."] : [],
      ]);
    }
});

describe("MailStore: what no mailbox may have", () => {
  const store = kinds.find(({ name }) => name === "MailStore") as AnyKind;

  test.each([
    ..."/ /var /home /srv /etc /etc/vmail /usr/local/vmail /var/mail /var/mail/vmail /var/db/x /root/mail".split(
      " ",
    ),
    ..."/var/spool /var/spool/postfix /var/spool/postfix/active/x /var/spool/smtpd/x /var/www/x /tmp/x".split(
      " ",
    ),
    ..."var/vmail /var/vmail/ /var//vmail /var/./vmail /var/x/../vmail /home/alice/.ssh".split(" "),
    ...["/var/v mail", "/var/v:mail", "/var/v,mail", ""],
  ])("the path %j", (path) => {
    expect(found(store, { path }).map((one) => one.path)).toEqual(["path"]);
  });

  test.each(
    "/var/vmail /home/vmail /srv/mail/boxes /var/spool/postfix/vmail /var/spool/vmail".split(" "),
  )("%s is a path", (path) => {
    expect(found(store, { path })).toEqual([]);
  });

  test.each([
    [
      { user: "root" },
      { user: "_postfix" },
      { user: "a b" },
      { user: "-x" },
      { user: "x".repeat(32) },
    ],
    [
      { uid: 0 },
      { uid: 99 },
      { uid: 507 },
      { uid: 32767 },
      { uid: 901.5 },
      { gid: 508 },
      { uid: -1 },
    ],
    [{ mode: "0777" }, { mode: "0771" }, { mode: "0070" }, { mode: "4770" }, { mode: "0600" }],
    [{ group: "wheel" }, { group: "_postdrop" }, { discardMail: "yes" }],
  ])("%j", (...wrong) => {
    for (const args of wrong)
      expect(found(store, args).map((one) => one.path)).toEqual(Object.keys(args));
  });
});

test.each<[string, object]>([
  ["Aliases", { entries: { Root: ["alice"], root: ["bob"] } }],
  [
    "LookupTable",
    { path: "/etc/postfix/x", type: "hash", entries: { "A.example": "1", "a.Example": "2" } },
  ],
])("%s: two names of which the file makes one are refused", (name, sample) => {
  const kind = kinds.find((one) => one.name === name) as AnyKind;
  expect(found(kind, sample)).toEqual([
    expect.objectContaining({
      reason: expect.stringMatching(
        /^is the same key as "\S+": post(alias|map)\(1\) folds letters/,
      ) as string,
    }),
  ]);
});

test.each<[object, string | undefined]>([
  [{ login: { user: "a", password: "b" } }, undefined],
  [{ login: { user: "a", password: "b" }, tls: "none" }, "tls"],
  [{ login: { user: "a", password: "" } }, "login.password"],
  [{ tlsName: "mx1" }, "tlsName"],
  [{ tlsName: "mx1", tls: "starttls" }, undefined],
  [{ tlsCa: "x", tls: "implicit" }, "tlsCa"],
  [{ tlsCa: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n" }, "tlsCa"],
])("MailCheck with %j fails at %s", (values, path) => {
  const kind = kinds.find(({ name }) => name === "MailCheck") as AnyKind;
  expect(found(kind, { recipient: "a", ...values }).map((one) => one.path)).toEqual(
    path === undefined ? [] : [path],
  );
});

test.each([
  [{}, undefined],
  [{ login: { user: "a", password: "b" } }, "starttls"],
  [{ login: { user: "a", password: "b" }, port: 465 }, "implicit"],
  [{ login: { user: "a", password: "b" }, port: 465, tls: "starttls" }, "starttls"],
])("MailCheck with %j has tls %p", (values, tls) => {
  const kind = kinds.find(({ name }) => name === "MailCheck") as AnyKind;
  // Without a login nothing is filled in, so that states of earlier versions stay as they are.
  expect(kind.complete({ recipient: "a", ...values }, platformOf("7.8"))["tls"]).toBe(tls);
});
