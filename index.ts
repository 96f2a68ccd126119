/** The program: a Postfix server for each host that the stack's configuration names. */
import * as pulumi from "@pulumi/pulumi";
import { type ConnectionArgs, PostfixServer, type PostfixServerArgs } from "pulumi-openbsd-postfix";

/** One entry of `openbsd-postfix:hosts`. */
interface HostConfig {
  readonly name: string;
  readonly connection: ConnectionArgs;
  readonly server?: Omit<PostfixServerArgs, "connection">;
}

const hosts = new pulumi.Config("openbsd-postfix").requireObject<readonly HostConfig[]>("hosts");

/** The banner of each server, by its name. */
export const banners = Object.fromEntries(
  hosts.map(({ name, connection, server }) => [
    name,
    new PostfixServer(name, { ...server, connection }).banner,
  ]),
);
