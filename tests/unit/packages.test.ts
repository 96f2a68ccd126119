/** Package names and what is chosen of them: docs/openbsd.md 1.1 to 1.4. */
import {
  choosePackage,
  compareVersions,
  parsePackage,
  splitPackagePath,
} from "../../provider/openbsd/packages";
import { platformOf } from "../../provider/openbsd/platform";
import { lastLines } from "../../provider/values/readable";

test.each([
  ["postfix-2.6.5", "2.6.5", []],
  ["postfix-2.8.4p1", "2.8.4p1", []],
  ["postfix-2.7.20091209-ldap", "2.7.20091209", ["ldap"]],
  ["postfix-3.9.1-sasl2-mysql.tgz", "3.9.1", ["sasl2", "mysql"]],
])("%s has version %s and flavors %j", (name, version, flavors) => {
  expect(parsePackage(name)).toEqual({ stem: "postfix", version, flavors });
});

test.each([
  ["/a/b/", ["/a/b/"]],
  ["/a/:/b/", ["/a/", "/b/"]],
  ["ftp://m/x/:http://y:8080/z/", ["ftp://m/x/", "http://y:8080/z/"]],
  ["file:/a/b/:./:/c", ["file:/a/b/", "./", "/c"]],
  ["./:ftp://a/b", ["./", "ftp://a/b"]],
  ["ftp://me:word@m:21/a/:scp://m/b/:/c/", ["ftp://me:word@m:21/a/", "scp://m/b/", "/c/"]],
  ["/c/:http://m:8080", ["/c/", "http://m:8080"]],
  ["file:///a/:/b/", ["file:///a/", "/b/"]],
])("PKG_PATH %s has the elements %j", (path, elements) => {
  expect(splitPackagePath(path)).toEqual(elements);
});

test("the last lines of a log have no frames of a progress meter that end in carriage returns", () => {
  const log = "\rname (extracting)|**  | 12%\rname: ok\nDone\r\n";
  expect(lastLines(log, 2)).toBe("name: ok\nDone");
  expect(lastLines(log)).not.toContain("\\x0d");
});

test("versions are ordered by their numbers, and pN comes after none", () => {
  const sorted = ["2.10.0", "2.9.6", "2.8.4p1", "2.8.4"].sort(compareVersions);
  expect(sorted).toEqual(["2.8.4", "2.8.4p1", "2.9.6", "2.10.0"]);
});

const offered = {
  names: [
    "postfix-2.6.5",
    "postfix-2.6.5-ldap",
    "postfix-2.6.5-mysql",
    "postfix-2.7.20091209",
    "postfix-2.7.20091209-mysql",
  ],
  answers: "",
};

test.each([
  [{}, { name: "postfix-2.6.5" }],
  [{ flavors: ["mysql"] }, { name: "postfix-2.6.5-mysql" }],
  [{ branch: "snapshot" as const }, { name: "postfix-2.7.20091209" }],
  [{ version: "2.7.20091209", flavors: ["mysql"] }, { name: "postfix-2.7.20091209-mysql" }],
])("of all on offer, %j means %j", (wanted, choice) => {
  expect(choosePackage(offered, wanted, platformOf("4.7"))).toMatchObject(choice);
});

test.each([
  [{ flavors: ["mysql", "ldap"] }, "flavors"],
  [{ version: "9.9" }, "version"],
])("what is not on offer, %j, is a failure of %s that lists what is", (wanted, path) => {
  const choice = choosePackage(offered, wanted, platformOf("4.7"));
  expect(choice).toMatchObject({ path });
  expect(choice).toHaveProperty("reason", expect.stringContaining("postfix-2.6.5-ldap"));
});

test("a repository that cannot be listed is left to pkg_add only where a name is unambiguous", () => {
  expect(choosePackage(undefined, { flavors: ["mysql"] }, platformOf("7.8"))).toMatchObject({
    name: "postfix--mysql%stable",
  });
  // One that was asked and has nothing is not left to pkg_add.
  const answers = "`pkg_info -aQ postfix` printed: URL: empty";
  expect(choosePackage({ names: [], answers }, {}, platformOf("7.8"))).toMatchObject({
    path: "packagePath",
    reason: expect.stringContaining(answers) as string,
  });
  expect(choosePackage(undefined, {}, platformOf("4.7"))).toMatchObject({ path: "packagePath" });
});
