/** The roles that a server has by its arguments. */
import * as pulumi from "@pulumi/pulumi";
import type { PostfixServerArgs } from "../serverArguments";
import { Roles } from "./compose";
import type { Contribution, RoleName } from "./contribution";
import { mailRelay } from "./mailRelay";
import { smarthost } from "./smarthost";
import { submission } from "./submission";
import { virtualAccounts } from "./virtualAccounts";

/** @throws RunError where there is a role without a main.cf to say it in */
export function rolesOf(name: string, args: Pick<PostfixServerArgs, "mainCf" | RoleName>): Roles {
  const { relay, smarthost: next, virtualAccounts: accounts, submission: logins } = args;
  const contributions: Contribution[] = [];
  if (relay) contributions.push(mailRelay(relay));
  if (accounts) contributions.push(virtualAccounts(accounts, { logins: Boolean(logins) }));
  if (logins) contributions.push(submission(logins, { accounts: Boolean(accounts) }));
  if (next) contributions.push(smarthost(next));
  const [first] = contributions;
  if (first !== undefined && args.mainCf === false)
    throw new pulumi.RunError(
      `PostfixServer ${name}: mainCf is false, but ${first.role} needs parameters of main.cf: give mainCf, or leave the role out.`,
    );
  return new Roles(`PostfixServer ${name}`, contributions);
}
