/** What postmap(1) says of a table that is asked once, as it says it: an answer, or none. */
import type { HostReader, Judgement, JudgementAnswer } from "../../../provider/host/host";
import { probeTable, type Probed } from "../../../provider/judge";

const asked: Judgement[] = [];

/** Asks a host whose postmap(1) ends so. */
function answer(
  exitCode: number | null,
  stderr: string,
  timedOut = false,
): Promise<Probed | undefined> {
  const result = { exitCode, signal: null, stdout: "", stderr, truncated: false, timedOut };
  return askWith(result);
}

function askWith(result: JudgementAnswer): Promise<Probed | undefined> {
  const host = {
    judge: (candidate: Judgement) => {
      asked.push(candidate);
      return Promise.resolve([result]);
    },
  };
  const probe = { type: "mysql", path: "/etc/postfix/m.cf", contents: "dbname = x\n", key: "a b" };
  return probeTable(probe, host as unknown as HostReader);
}

const at = "/tmp/pulumi-openbsd-postfix-1-abcdefgh/probe";
const FATAL = `postmap: fatal: table mysql:${at}: query error: Resource temporarily unavailable\n`;

test("the text is staged for root alone, and asked for the key as one word", async () => {
  await answer(0, "");
  expect(asked.at(-1)?.files["probe"]).toBe("dbname = x\n");
  expect(asked.at(-1)?.commands[0]?.argv.slice(1)).toEqual([
    "-c",
    "{dir}/plain",
    "-q",
    "a b",
    "mysql:{dir}/probe",
  ]);
});

test.each([
  ["found", 0, "", ""],
  ["not found", 1, "", ""],
  [
    "found, and one of two servers is down",
    0,
    "postmap: warning: connect to mysql server a: Can't connect to MySQL server on 'a' (61)\n",
    "connect to mysql server a: Can't connect to MySQL server on 'a' (61)",
  ],
])("%s is an answer", async (_what, code, stderr, warnings) => {
  expect(await answer(code, stderr)).toEqual({ answered: true, warnings });
});

const CONNECT = "postmap: warning: connect to mysql server 127.0.0.1: ";

test.each([
  [
    "a server that is not there",
    1,
    `${CONNECT}Can't connect to MySQL server on '127.0.0.1' (61)\n${FATAL}`,
    true,
  ],
  [
    "the same by an old postmap",
    1,
    `${CONNECT}Can't connect to MySQL server on '127.0.0.1' (61)\n`,
    true,
  ],
  [
    "a wrong login",
    1,
    `${CONNECT}Access denied for user 'p'@'localhost' (using password: YES)\n${FATAL}`,
    false,
  ],
  ["a wrong database", 1, `${CONNECT}Unknown database 'x'\n${FATAL}`, false],
  [
    "a wrong query",
    1,
    `postmap: warning: mysql query failed: You have an error in your SQL syntax\n${FATAL}`,
    false,
  ],
  [
    "the same by an old postmap",
    1,
    "postmap: warning: mysql query failed: Table 'x.alias' doesn't exist\n",
    false,
  ],
  [
    "one server that is down and one that refuses",
    1,
    `${CONNECT}Can't connect (61)\n${CONNECT}Access denied\n${FATAL}`,
    false,
  ],
  [
    "a text at which the client stops",
    1,
    `postmap: fatal: mysql:${at}: dbname: bad string length 0 < 1\n`,
    false,
  ],
  [
    "PostgreSQL that is not there",
    1,
    `postmap: warning: connect to pgsql server x: connection to server at "x", port 5432 failed: Connection refused\n${FATAL}`,
    true,
  ],
  [
    "PostgreSQL that refuses",
    1,
    `postmap: warning: connect to pgsql server x: connection to server at "x", port 5432 failed: FATAL:  password authentication failed for user "p"\n${FATAL}`,
    false,
  ],
  [
    "LDAP that is not there",
    1,
    `postmap: warning: dict_ldap_connect: Unable to bind to server ldap://x:389 with dn : -1 (Can't contact LDAP server)\n${FATAL}`,
    true,
  ],
  ["a crash", null, "", false],
])("%s is none", async (_what, code, stderr, unreachable) => {
  const found = await answer(code, stderr);
  expect(found).toMatchObject({ answered: false, unreachable });
  expect(JSON.stringify(found)).not.toContain("/tmp/");
  if (stderr.includes(at)) expect(JSON.stringify(found)).toContain("/etc/postfix/m.cf");
});

test("no answer in time is none, and no postmap is no question", async () => {
  expect(await answer(null, "", true)).toMatchObject({ answered: false, unreachable: true });
  expect(await askWith({ notFound: true })).toBeUndefined();
});
