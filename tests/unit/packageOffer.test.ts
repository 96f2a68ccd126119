/** Where packages are looked for before one is chosen, by release: docs/openbsd.md 1.1 and 1.4. */
import type { Fact, FileState } from "../../provider/host/host";
import { type AnswerTo, take } from "../../provider/host/look";
import type { Offered } from "../../provider/openbsd/packages";
import { platformOf } from "../../provider/openbsd/platform";
import { offer } from "../../provider/postfix/package/offer";
import { ABSENT, file } from "./fakeHost";

/** What a host answers: by PKG_PATH ("" for none), what pkg_info prints; by folder, its files; and its installurl. */
interface Repositories {
  readonly printed?: Readonly<Record<string, string>>;
  readonly folders?: Readonly<Record<string, readonly string[]>>;
  readonly installurl?: string;
  readonly pkgConf?: string;
}

/** Asks a host of this release, and gives what it was asked as well. */
async function ask(
  release: string,
  has: Repositories,
  packagePath?: string,
): Promise<{ offered: Offered; asked: readonly string[] }> {
  const asked: string[] = [];
  const answer = (fact: Fact): unknown => {
    if (fact.fact === "list") return has.folders?.[fact.path] ?? null;
    if (fact.fact === "file")
      return has.installurl === undefined ? ABSENT : file(`# ours\n${has.installurl}\n`);
    if (fact.fact !== "probe") return null;
    if (fact.argv[0] === "/usr/bin/arch")
      return { exitCode: 0, stdout: "amd64\n", stderr: "", timedOut: false };
    const path = fact.env?.["PKG_PATH"] ?? "";
    asked.push([...(path === "" ? [] : [path]), ...fact.argv.slice(1)].join(" "));
    const stdout = has.printed?.[path] ?? "";
    const stderr = stdout === "" ? `${path}: empty\n` : "";
    return { exitCode: 0, stdout, stderr, timedOut: false };
  };
  const conf: FileState = has.pkgConf === undefined ? ABSENT : file(has.pkgConf);
  const args = packagePath === undefined ? {} : { packagePath };
  const look = offer(args, conf, platformOf(release));
  const { names, answers } = await take(look, () => Promise.resolve(answer as AnswerTo));
  return { offered: { names, answers }, asked };
}

test("from 6.7 on one question is for all repositories", async () => {
  const { offered, asked } = await ask("7.8", { printed: { "": "postfix-3.7.11\n" } });
  expect(asked).toEqual(["-aQ postfix"]);
  expect(offered.names).toEqual(["postfix-3.7.11"]);
  expect((await ask("6.7", {}, "http://a:8080/x/:/y/")).asked).toEqual([
    "http://a:8080/x/:/y/ -aQ postfix",
  ]);
});

test("before, each repository is asked by itself: of 6.1 to 6.6 the two folders of the mirror too", async () => {
  const mirror = "https://m.example/pub/OpenBSD";
  const { offered, asked } = await ask("6.6", {
    installurl: `${mirror}/`,
    printed: {
      "": "postfixadmin-3.2\n",
      [`${mirror}/6.6/packages/amd64/`]: "postfix-3.4.6\npostfix-3.4.6-mysql\npostfixadmin-3.1\n",
    },
  });
  expect(asked).toEqual([
    "-Q postfix",
    `${mirror}/6.6/packages-stable/amd64/ -Q postfix`,
    `${mirror}/6.6/packages/amd64/ -Q postfix`,
  ]);
  expect(offered.names).toEqual(["postfix-3.4.6", "postfix-3.4.6-mysql"]);
});

test("before 6.7 the elements of packagePath are asked one by one, and folders are listed", async () => {
  const { offered, asked } = await ask(
    "5.7",
    {
      printed: { "http://b/": "postfix-2.11.4-ldap\n" },
      folders: { "/a/": ["postfix-2.11.4.tgz", "postfixadmin-2.tgz"] },
    },
    "http://b/:/a/",
  );
  expect(asked).toEqual(["http://b/ -Q postfix"]);
  expect(offered.names).toEqual(["postfix-2.11.4-ldap", "postfix-2.11.4"]);
});

test("to 6.0 pkg.conf names the repositories, each with a value of its own; from 6.1 on nobody reads it", async () => {
  const pkgConf = "installpath = http://a/\ninstallpath += http://b/:http://c/\n";
  expect((await ask("5.7", { pkgConf })).asked).toEqual([
    "http://a/ -Q postfix",
    // As pkg_info splits a PKG_PATH at its colons, the value that pkg.conf takes whole is asked for as it is.
    "http://b/:http://c/ -Q postfix",
  ]);
  expect((await ask("6.1", { pkgConf })).asked).toEqual(["-Q postfix"]);
  expect((await ask("5.8", { pkgConf: "installpath = http://a/%v/\n" })).asked).toEqual([
    "-Q postfix",
  ]);
});

test("where nothing is offered, the answer says what was asked and what came back", async () => {
  const { offered } = await ask("7.8", {}, "http://a:8080/x/");
  expect(offered.answers).toBe(
    "`PKG_PATH=http://a:8080/x/ /usr/sbin/pkg_info -aQ postfix` printed: http://a:8080/x/: empty",
  );
  expect((await ask("7.8", {}, "/nowhere/")).offered.answers).toBe(
    "/nowhere/ is no folder of the host",
  );
});

test.each([
  ["4.7", "PKG_PATH", []],
  ["5.4", "PKG_PATH", []],
  ["5.5", "PKG_PATH", ["-D", "unsigned"]],
  ["5.7", "PKG_PATH", ["-D", "unsigned"]],
  ["6.0", "PKG_PATH", ["-D", "unsigned"]],
  ["6.1", "TRUSTED_PKG_PATH", []],
  ["7.8", "TRUSTED_PKG_PATH", []],
])(
  "OpenBSD %s takes packages that nobody has signed from %s with %j",
  (release, variable, options) => {
    expect(platformOf(release).packages.unsigned).toEqual({ variable, options });
  },
);
