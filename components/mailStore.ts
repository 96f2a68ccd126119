import type * as pulumi from "@pulumi/pulumi";
import * as plain from "../provider/arguments/mailStore";
import type { Inputs } from "./inputs";
import { type Given, Step } from "./step";

/** Arguments of {@link MailStore}. */
export type MailStoreArgs = Inputs<plain.MailStoreArgs>;

/**
 * The folder in which virtual(8) keeps mailboxes, with the system user and the group that own it: groupadd(8) and
 * useradd(8) make them, without a password, with nologin for a shell and /var/empty for a home. A user, a group and a
 * folder that are there already are used as they are, keep what is in them, and stay when the resource is destroyed; the
 * folder then gets its former owner and mode back.
 *
 * Mail is never removed without a word: while a file is below a folder that the step has made, destroy is refused, and so
 * is another `path`, `uid` or `gid`. `discardMail` removes the folder with its mail. In a program that has
 * {@link PostfixPackage}, let the store depend on it, so that it is undone first.
 *
 * @owns The folder of the mailboxes, and the system user and group that own it.
 * @destroy Removes what it made, and refuses while a message is in the folder, unless `discardMail`.
 *
 * @example
 * ```ts
 * import { LookupTable, MailStore } from "pulumi-openbsd-postfix";
 *
 * const connection = { host: "mx1.example.org" };
 * const store = new MailStore("store", { connection, path: "/var/vmail" });
 *
 * new LookupTable("mailboxes", {
 *   connection,
 *   path: "/etc/postfix/vmailbox",
 *   entries: { "alfred@alpha.example.org": "alpha.example.org/alfred/" },
 * }, { dependsOn: store });
 * ```
 */
export class MailStore extends Step {
  /** The folder of the mailboxes, for `virtual_mailbox_base`. */
  readonly path: pulumi.Output<string>;
  /** The user that owns them. */
  readonly user: pulumi.Output<string>;
  /** The user's number, for `virtual_uid_maps`. */
  readonly uid: pulumi.Output<number>;
  /** The group's number, for `virtual_gid_maps`. */
  readonly gid: pulumi.Output<number>;

  constructor(...given: Given<MailStoreArgs>) {
    super(
      {
        kind: "MailStore",
        schema: plain.mailStoreArguments,
        outputs: ["path", "user", "uid", "group", "gid", "mode", "present"],
      },
      ...given,
    );
    this.path = this.resource.output("path");
    this.user = this.resource.output("user");
    this.uid = this.resource.output("uid");
    this.gid = this.resource.output("gid");
    this.registerOutputs({ path: this.path, user: this.user, uid: this.uid, gid: this.gid });
  }
}
