/**
 * What a kind is: how the provider does one step of the guide. A kind says what may be said (`arguments`, `complete`),
 * what to look at (`look`, `live`, `outputs`), what of the host is then its own (`owns`), what to do (`plan`), and how to
 * get back (`restore`). All of these are pure: the driver looks at the host, carries plans out, and keeps the record.
 * Only `judge`, which asks the host's own tools about a plan, and the actions inside a plan reach the host themselves.
 *
 * Arguments stand in one order everywhere: what was observed, the arguments of the step, and what else is known.
 */
import type { AnyArguments, Failure } from "../arguments/schema";
import type { FileState, HostReader, HostWriter } from "../host/host";
import type { Look } from "../host/look";
import type { Claim, HostRecord, Json, KeyEntry, Owner, SavedFile } from "../host/record";
import type { Platform } from "../openbsd/platform";

export type { Failure };

/** One change. Every change prints as a unified diff or as one line, and the driver applies them one after the other. */
export type Change =
  | {
      readonly change: "write";
      readonly path: string;
      /** What stands there now: one side of the diff, and what must still stand there when the file is written. */
      readonly found: FileState;
      readonly contents: string;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
      /** An earlier step of the same plan brings the file: the preview knows the new lines only. */
      readonly partial?: boolean;
      /** Bytes that mean nothing to a reader (a database), or that others may not read: named, not diffed. */
      readonly opaque?: boolean;
    }
  | {
      readonly change: "remove";
      readonly path: string;
      readonly found: FileState;
      readonly opaque?: boolean;
    }
  /** Anything else that changes the host. */
  | {
      readonly change: "act";
      /** What it does, in one line, as in "install postfix-2.6.5". */
      readonly text: string;
      readonly act: (host: HostWriter, context: ActContext) => Promise<void>;
    };

/** What an action may use. */
export interface ActContext {
  readonly platform: Platform;
  /** How Pulumi reaches the host: its name or address as the program's `connection` says it. */
  readonly connectionHost: string;
  readonly progress: (text: string) => void;
  readonly warn: (text: string) => void;
  /** Sets outputs that only the action can know. */
  readonly output: (outputs: Readonly<Record<string, unknown>>) => void;
  /** The record as it is on the host now: what was noted meanwhile is in it. */
  readonly record: HostRecord;
  /** Changes the record on the host. */
  readonly setRecord: (change: (record: HostRecord) => HostRecord) => Promise<void>;
  /** Notes what was made of a key, so that whoever goes on after a cut knows it. Does nothing without the key. */
  readonly note: (key: string, applied: Json) => Promise<void>;
}

/** What is to be done, and what that means for others. */
export interface Plan {
  readonly changes: readonly Change[];
  /** Why it cannot be done on this host: the preview fails with them, and `up` stops before its first change. */
  readonly obstacles?: readonly Failure[];
  /**
   * Paths that the changes bring besides the files that they write, for the plans of later steps in the same preview. A
   * path that ends in `/` stands for everything below it.
   */
  readonly brings?: readonly string[];
  /** What the record must say from before the changes until they are done, besides the keys. */
  readonly owes?: Pick<HostRecord, "syslogd">;
  /** What the running service must be told after the changes. */
  readonly tells?: HostRecord["pending"];
}

/** Nothing is to be done. */
export const NOTHING_TO_DO: Plan = { changes: [] };

/** What of a host belongs to a resource. */
export interface Holdings {
  /** Its keys, with what undoing them needs. */
  readonly claims: readonly Claim[];
  /** The files that the keys lie in, as they stand now. */
  readonly files: Readonly<Record<string, FileState>>;
}

/** What a plan may ask about besides what was observed. */
export interface PlanContext {
  readonly platform: Platform;
  readonly record: HostRecord;
  /** The resource that plans. */
  readonly owner: Owner;
  /** Keys that this instance owns and that its arguments no longer name, youngest first. */
  readonly dropped: readonly (readonly [string, KeyEntry])[];
  /** The arguments as they were last applied; `undefined` when they never were, or when that failed. */
  readonly applied: Readonly<Record<string, unknown>> | undefined;
  /** In a preview: does an earlier step of the same plan bring this path? */
  readonly coming: (path: string) => boolean;
  /** Is a value, as it stands in a file, a secret of this resource? The record on the host holds its hash only. */
  readonly isSecret: (value: string) => boolean;
}

/** What a resource found when it came, in the state under `previous`: the record's entries of this resource. */
export interface Previous {
  readonly files: Readonly<Record<string, SavedFile>>;
  readonly keys: Readonly<Record<string, KeyEntry>>;
}

export const NOTHING_BEFORE: Previous = { files: {}, keys: {} };

/** What undoing may ask about besides what was observed. */
export interface RestoreContext {
  readonly platform: Platform;
  /** The keys of this instance, youngest first: from the record, or from the state where the host has none. */
  readonly keys: readonly (readonly [string, KeyEntry])[];
  readonly record: HostRecord;
  /** Says to the user what was left as it is, and why. */
  readonly warn: (text: string) => void;
}

/** What a judgement of a plan may use. */
export interface JudgeContext {
  readonly host: HostReader;
  readonly platform: Platform;
  readonly record: HostRecord;
  /** The plan that is judged. */
  readonly plan: Plan;
  /** Does an earlier step of the same plan bring this path, as yet unknown? */
  readonly coming: (path: string) => boolean;
  /** The file as the steps before this one will leave it; `undefined` where none of them changes it. */
  readonly predicted: (path: string) => FileState | undefined;
  /** The file as it stood before those steps; `undefined` where none of them changes it. */
  readonly found: (path: string) => FileState | undefined;
  /** Says something of the judgement that holds for all who judge after this step as well. */
  readonly declare: (said: Json) => void;
  /** What the steps of this plan have declared so far, by their URNs. */
  readonly declared: () => ReadonlyMap<string, Json>;
  readonly warn: (text: string) => void;
}

/** `A`: the arguments of the step, with those that `complete` fills in; `O`: what was observed. */
export interface Kind<A extends object, O> {
  readonly name: string;
  readonly traits?: {
    /** What the step does leaves nothing on the host to look at: a failure stays one until it was done again. */
    readonly repeats?: true;
    /** The step is part of the switch from one mailer to the other: when it fails, the error says who serves. */
    readonly switches?: true;
  };
  /** What the user may say: everything in `A` but what `complete` fills in under names of its own. */
  readonly arguments: AnyArguments;
  /** What of a host the step is about: the second half of the id. */
  subject(args: A): string;
  /** The property that says what a key of the step's file is to be, as the user wrote it. */
  property?(key: string, args: A): string;
  /** The arguments with defaults and everything that depends on the release filled in. */
  complete(args: A, platform: Platform): A;
  /** What to look at, and what is made of the answers. */
  look(args: A, platform: Platform): Look<O>;
  /** What the host has, under the names of the inputs, in the user's spelling where equal in meaning. */
  live(observed: O, args: A, platform: Platform): Partial<A>;
  /** Outputs that are no inputs. */
  outputs(observed: O, args: A, platform: Platform): Readonly<Record<string, unknown>>;
  owns(observed: O, args: A, context: PlanContext): Holdings;
  plan(observed: O, args: A, context: PlanContext): Plan;
  /** The plan that puts back what was there before the first apply, and touches only what is the resource's own. */
  restore(observed: O, args: A, context: RestoreContext): Plan;
  /** What is wrong with a plan, as far as only the host's own tools or the other steps' plans can tell. */
  judge?(observed: O, args: A, context: JudgeContext): Promise<readonly Failure[]>;
}

/** A kind whose type parameters do not matter to the caller. */
export type AnyKind = Kind<Record<string, unknown>, unknown>;

/** Does a file change by this plan? */
export function writesFile({ changes }: Plan): boolean {
  return changes.some(({ change }) => change === "write" || change === "remove");
}
