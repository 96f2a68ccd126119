/** One configuration: what it changes on top of the files that the package installs. */
export interface Configuration {
  /** What an admin would call it. */
  readonly name: string;
  /** Parameters that the program sets. */
  readonly main?: Readonly<Record<string, string | null>>;
  /** Lines that an earlier step of the plan leaves at the end of main.cf. */
  readonly mainLines?: string;
  /** Lines that an earlier step of the plan leaves at the end of master.cf. */
  readonly master?: string;
  /** Files that an earlier step of the plan brings. */
  readonly files?: Readonly<Record<string, string>>;
  /** Tables of `files` whose database is built as well; all of them where left out. */
  readonly databases?: readonly string[];
  /** Names that are meant although nothing refers to them. */
  readonly userDefined?: readonly string[];
  /** Needs what only newer Postfix has, so that it is left out on OpenBSD 4.7. */
  readonly modern?: true;
  /** Is what it is in old Postfix only, so that it is left out but on OpenBSD 4.7. */
  readonly ancient?: true;
}

/** One that must fail, and what must be said. */
export interface Broken extends Configuration {
  /** The file that the complaint must name. */
  readonly file: string;
  /** How the line begins that it must name. */
  readonly at: string;
  /** What the complaint must say. */
  readonly says: string;
  /** Known to pass: what is wrong shows in no file. */
  readonly unseen?: true;
}

export const MAIN = "/etc/postfix/main.cf";
export const MASTER = "/etc/postfix/master.cf";
