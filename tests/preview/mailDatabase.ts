/** The database of virtual accounts that the cookbook describes, on a host with the extra `mariadb`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startMariaDb, type TestHost } from "../../testing";

const SCHEMA = join(__dirname, "../../docs/cookbook/postfixadmin.sql");

/** Starts it, with the one account `alfred@alpha.example.org`, which has no alias, and a user whom Postfix logs in as. */
export async function startMailDatabase(host: TestHost, password: string): Promise<void> {
  const database = await startMariaDb(host);
  await database.sql(
    [
      "create database mail; use mail;",
      readFileSync(SCHEMA, "utf8"),
      "insert into domain (domain, backupmx, active) values ('alpha.example.org', 0, 1);",
      "insert into mailbox (username, maildir, active) values ('alfred@alpha.example.org', 'alpha.example.org/alfred/', 1);",
      `create user 'postfix'@'127.0.0.1' identified by '${password}';`,
      "grant select on mail.* to 'postfix'@'127.0.0.1';",
    ].join("\n"),
  );
}
