/** A lookup table that has a database beside its text, and the files in which a new database is built. */
import { databasePath } from "./tableTypes";

export interface DatabaseTable {
  /** The program that builds the database. */
  readonly tool: "postmap" | "postalias";
  readonly type: string;
  /** Path of the text. */
  readonly path: string;
  /** Owner and mode of the database; without them it gets those of the text. */
  readonly attributes?: { readonly mode: number; readonly uid: number; readonly gid: number };
}

/** The text and the database of a build: beside the real ones, because a rename works within one file system only. */
export function stagedFiles({ path, type }: DatabaseTable): readonly [string, string] {
  const slash = path.lastIndexOf("/") + 1;
  const staged = `${path.slice(0, slash)}.${path.slice(slash)}.pulumi-openbsd-postfix`;
  return [staged, databasePath({ path: staged, type })];
}
