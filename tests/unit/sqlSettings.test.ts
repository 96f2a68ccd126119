/** Texts of tables of type mysql and pgsql, before a host is asked. */
import { violations } from "../../provider/arguments/schema";
import { obsoleteSettings, serversOf, sqlFaults } from "../../provider/arguments/sqlSettings";
import { lookupTable } from "../../provider/kinds/lookupTable";

const QUERY = "query = SELECT goto FROM alias WHERE address='%s'\n";
const LEGACY = "table = alias\nselect_field = goto\nwhere_field = address\n";

test.each([
  ["mysql", `user = postfix\npassword = x\nhosts = 127.0.0.1\ndbname = mail\n${QUERY}`],
  ["mysql", `# the old way\ndbname = mail\n${LEGACY}additional_conditions = and active = '1'\n`],
  ["mysql", `dbname=mail\n${QUERY}tls_CAfile = /etc/ssl/cert.pem\nrequire_result_set = no\n`],
  ["mysql", "dbname = mail\nquery = SELECT goto\n  FROM alias\n# between\n  WHERE address='%s'\n"],
  ["pgsql", `dbname = mail\nselect_function = lookup\nencoding = UTF8\n`],
  ["pgsql", `hosts = postgresql://u:p@db/mail postgres://db2/mail\n${QUERY}`],
  ["ldap", "anything = goes\n"],
])("%s: %j is right", (type, text) => {
  expect(sqlFaults(type, text)).toEqual([]);
});

test.each([
  [
    "mysql",
    `dbnam = mail\ndbname = x\n${QUERY}`,
    ["line 1 sets what mysql_table(5) does not know: did you mean dbname?"],
  ],
  [
    "mysql",
    `dbname = x\nqurey = y\n${QUERY}`,
    ["line 2 sets what mysql_table(5) does not know: did you mean query?"],
  ],
  [
    "pgsql",
    `dbname = x\ntls_CAfile = y\n${QUERY}`,
    [expect.stringMatching(/^line 2 sets what pgsql_table\(5\) does not know; these are hosts, /)],
  ],
  [
    "mysql",
    `dbname = x\n${QUERY}canary\n`,
    ['line 3 is no setting: each is "name = value", and Postfix stops at others.'],
  ],
  ["mysql", QUERY, [expect.stringMatching(/^has no `dbname`/)]],
  [
    "pgsql",
    `hosts = postgresql://db/mail 127.0.0.1\n${QUERY}`,
    [expect.stringMatching(/^has no `dbname`/)],
  ],
  ["mysql", "dbname = x\n", [expect.stringMatching(/^has no `query`, as in/)]],
  [
    "mysql",
    "dbname = x\ntable = alias\nselect_field = goto\n",
    [expect.stringMatching(/^has no `query`/)],
  ],
  ["mysql", "dbname = x\nquery =\n", [expect.stringMatching(/^has no `query`/)]],
  [
    "mysql",
    "dbname = x\nselect_function = f\n",
    [expect.stringMatching(/^line 2 sets/), expect.stringMatching(/^has no `query`/)],
  ],
])("%s: %j is refused, with what is meant", (type, text, faults) => {
  expect(sqlFaults(type, text)).toEqual(faults);
});

test("a fault is one of the text, and repeats nothing of it", () => {
  const faults = violations(lookupTable.arguments, {
    path: "/etc/postfix/mysql.cf",
    type: "mysql",
    text: "canary = canary\ncanary\n",
  });
  expect(faults.map(({ path }) => path)).toEqual(["text", "text", "text", "text"]);
  expect(JSON.stringify(faults)).not.toContain("canary");
});

test.each([
  [{ type: "hash", text: "a b\n", probe: "a" }],
  [{ type: "mysql", entries: {}, probe: "a" }],
  [{ type: "mysql", text: `dbname = x\n${QUERY}`, probe: "-" }],
  [{ type: "mysql", text: `dbname = x\n${QUERY}`, probe: "" }],
  [{ type: "mysql", text: `dbname = x\n${QUERY}`, probe: "a\nb" }],
])("%j: no probe", (args) => {
  const faults = violations(lookupTable.arguments, { path: "/etc/postfix/t", ...args });
  expect(faults.map(({ path }) => path)).toContain("probe");
});

test("settings from before 2.2 are named", () => {
  expect(obsoleteSettings("mysql", `dbname = x\n${LEGACY}`)).toEqual([
    "table",
    "select_field",
    "where_field",
  ]);
  expect(obsoleteSettings("pgsql", `select_function = f\n${QUERY}`)).toEqual(["select_function"]);
  expect(obsoleteSettings("ldap", LEGACY)).toEqual([]);
});

test("servers are named without their logins", () => {
  expect(serversOf("hosts = postgresql://u:canary@db/mail inet:127.0.0.1:3306\n")).toBe(
    "postgresql://db/mail inet:127.0.0.1:3306",
  );
  expect(serversOf("server_host = ldap://ldap.example.org\n")).toBe("ldap://ldap.example.org");
  expect(serversOf("dbname = x\n")).toBe("localhost");
});
