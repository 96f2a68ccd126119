/** The roles that a server has by its arguments. */
import * as pulumi from "@pulumi/pulumi";
import type { PostfixServerArgs } from "../serverArguments";
import { Roles } from "./compose";
import type { Contribution } from "./contribution";
import { mailRelay } from "./mailRelay";
import { smarthost } from "./smarthost";

/** @throws RunError where there is a role without a main.cf to say it in */
export function rolesOf(
  name: string,
  args: Pick<PostfixServerArgs, "mainCf" | "relay" | "smarthost">,
): Roles {
  const contributions: Contribution[] = [];
  if (args.relay) contributions.push(mailRelay(args.relay));
  if (args.smarthost) contributions.push(smarthost(args.smarthost));
  const [first] = contributions;
  if (first !== undefined && args.mainCf === false)
    throw new pulumi.RunError(
      `PostfixServer ${name}: mainCf is false, but ${first.role} needs parameters of main.cf: give mainCf, or leave the role out.`,
    );
  return new Roles(`PostfixServer ${name}`, contributions);
}
