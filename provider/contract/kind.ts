/**
 * A kind is how the provider does one step of the guide: which arguments the step takes (`arguments`, `complete`), which
 * facts it asks the host for (`look`) and how they read as inputs and outputs (`live`, `outputs`), which keys its resource
 * owns (`owns`), which changes it makes (`plan`) and how they are undone (`restore`). All of these are pure: the driver
 * looks at the host, carries plans out, and keeps the record. Only `judge`, which asks the host's own tools about a plan,
 * and the actions inside a plan reach the host themselves.
 *
 * The parameters of these functions have one order: the observed facts, the arguments of the step, the context.
 */
import type { AnyArguments, Failure } from "../arguments/schema";
import type { FileState, FoundFile, HostReader, HostWriter } from "../host/host";
import type { Look, Place } from "../host/look";
import type { Claim, HostRecord, Json, KeyEntry, Owner, SavedFile } from "../host/record";
import type { Platform } from "../openbsd/platform";

export type { Failure };

/** One change to a host. It prints as a unified diff or as one line; the driver applies changes one after the other. */
export type Change =
  | {
      readonly change: "write";
      readonly path: string;
      /** The file as it is now: one side of the diff. The write is refused once the file has changed since. */
      readonly found: FoundFile;
      readonly contents: string;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
      /** An earlier step of the same plan brings the file, so the preview knows only the lines that this step sets. */
      readonly partial?: boolean;
      /** With `partial`: the whole file as it will be, as far as the text that the earlier step brings is known. */
      readonly expected?: string;
      /** What the program sets in the file, in words: for a file that is not diffed. */
      readonly sets?: string;
      /** The bytes mean nothing to a reader (a database), or are not for everybody: the file is named, not diffed. */
      readonly opaque?: boolean;
    }
  | {
      readonly change: "remove";
      readonly path: string;
      readonly found: FoundFile;
      readonly opaque?: boolean;
    }
  | {
      readonly change: "act";
      /** Says in one line what the action does, as in "install postfix-2.6.5". */
      readonly text: string;
      /** What the action changes, as far as the agent does it: where that cannot be, the plan is refused beforehand. */
      readonly places?: readonly Place[];
      /** The action only asks, and changes nothing: what was shown of files still holds after it. */
      readonly asks?: true;
      readonly act: (host: HostWriter, context: ActContext) => Promise<void>;
    };

/** The write or removal of a file. */
export type FileChange = Exclude<Change, { readonly change: "act" }>;

/** An action: a change that is neither a write nor a removal. */
export type Action = Extract<Change, { readonly change: "act" }>;

/** The context of an action. */
export interface ActContext {
  readonly platform: Platform;
  /** The host's name or address, as the program's `connection` gives it. */
  readonly connectionHost: string;
  /** Shows progress, in a line that the next one replaces. */
  readonly progress: (text: string) => void;
  readonly warn: (text: string) => void;
  /** Sets outputs that only the action can know. */
  readonly output: (outputs: Readonly<Record<string, unknown>>) => void;
  /** The record as it is on the host now, with everything that this plan's actions have written to it. */
  readonly record: HostRecord;
  /** Changes the record on the host. */
  readonly setRecord: (change: (record: HostRecord) => HostRecord) => Promise<void>;
  /**
   * Sets what the record on the host holds as applied for a key, so that a run after an interruption can go on from there.
   * Does nothing where the record has no such key.
   */
  readonly note: (key: string, applied: Json) => Promise<void>;
}

/** The changes of one step, and their consequences. */
export interface Plan {
  readonly changes: readonly Change[];
  /**
   * Why this host cannot be changed so: the preview fails with the obstacles, and `up` and `destroy` stop before their first
   * change.
   */
  readonly obstacles?: readonly Failure[];
  /**
   * Paths that the changes create besides the files that they write, for the plans of later steps in the same preview. A
   * path that ends in `/` stands for everything below it.
   */
  readonly brings?: readonly string[];
  /** The texts of files that it brings, as far as they are known before: for the judgement of later steps. */
  readonly expects?: Readonly<Record<string, string>>;
  /** Fields that the record holds from before the first change until the last one is done, besides the keys. */
  readonly owes?: Pick<HostRecord, "syslogd">;
  /** The reload or restart that the running service needs after the changes. */
  readonly tells?: HostRecord["pending"];
}

/** A plan without changes. */
export const NOTHING_TO_DO: Plan = { changes: [] };

/** A plan of one action. */
export function actionPlan(text: string, act: Action["act"]): Plan {
  return { changes: [{ change: "act", text, act }] };
}

/** Everything on a host that belongs to a resource. */
export interface Holdings {
  /** The claims of its keys. */
  readonly claims: readonly Claim[];
  /** The files that hold the keys, as they are now. */
  readonly files: Readonly<Record<string, FoundFile>>;
}

/** The context of a plan: all that it depends on besides the observed facts and the arguments. */
export interface PlanContext {
  readonly platform: Platform;
  readonly record: HostRecord;
  /** The resource that the plan is for. */
  readonly owner: Owner;
  /** Keys that this instance owns and that its arguments no longer name, youngest first. */
  readonly dropped: readonly (readonly [string, KeyEntry])[];
  /** The arguments of the last apply; `undefined` where there was none or it failed. */
  readonly applied: Readonly<Record<string, unknown>> | undefined;
  /** In a preview: does an earlier step of the same plan bring this path? */
  readonly coming: (path: string) => boolean;
  /** In a preview: the text that a file will have after the earlier steps of the same plan, one of which brings it. */
  readonly expected: (path: string) => string | undefined;
  /** Is a value, as it stands in a file, a secret of this resource? The record then holds its hash. */
  readonly isSecret: (value: string) => boolean;
}

/** The record's entries of a resource, which the state keeps under `previous`: how the host was before the first apply. */
export interface Previous {
  readonly files: Readonly<Record<string, SavedFile>>;
  readonly keys: Readonly<Record<string, KeyEntry>>;
}

export const NOTHING_BEFORE: Previous = { files: {}, keys: {} };

/** The context of undoing. */
export interface RestoreContext {
  readonly platform: Platform;
  /** The keys of this instance, youngest first: from the record, or from the state where the record has lost them. */
  readonly keys: readonly (readonly [string, KeyEntry])[];
  readonly record: HostRecord;
  /** Warns the user of everything that is left as it is, with the reason. */
  readonly warn: (text: string) => void;
}

/** The context of the judgement of a plan. */
export interface JudgeContext {
  readonly host: HostReader;
  readonly platform: Platform;
  readonly record: HostRecord;
  /** The plan that is judged. */
  readonly plan: Plan;
  /** Does an earlier step of the same plan bring this path, with contents that are not known yet? */
  readonly coming: (path: string) => boolean;
  /** Does an earlier step bring exactly this path, and not only a folder around it? */
  readonly comingItself: (path: string) => boolean;
  /** The file as the steps before this one will leave it; `undefined` where none of them changes it. */
  readonly predicted: (path: string) => FileState | undefined;
  /** The file as it was before those steps; `undefined` where none of them changes it. */
  readonly found: (path: string) => FoundFile | undefined;
  /** The text that a file will have after those steps, one of which brings it. */
  readonly expected: (path: string) => string | undefined;
  /** The same file as that step brings it, before the others change it. */
  readonly brought: (path: string) => string | undefined;
  /** Makes a declaration to the judgements of this step and of all later ones, such as rules that the user accepts. */
  readonly declare: (declaration: Json) => void;
  /** The declarations of the steps so far, by the URNs of their resources. */
  readonly declared: () => ReadonlyMap<string, Json>;
  readonly warn: (text: string) => void;
  /** Says something with the plan, in a preview, that is no warning. */
  readonly note: (text: string) => void;
}

/** `A`: the arguments of the step, with those that `complete` fills in; `O`: the observed facts. */
export interface Kind<A extends object, O> {
  readonly name: string;
  readonly traits?: {
    /** The step leaves no trace on the host, so no look can tell that a failure is over: only doing the step again can. */
    readonly repeats?: true;
    /** The step is part of the switch from one mailer to the other: the error of a failure says which one serves. */
    readonly switches?: true;
  };
  /** The schema of the arguments that a user may give. `complete` may add others under names of its own. */
  readonly arguments: AnyArguments;
  /** The part of the host that the step is about, usually a path: the second half of the resource's id. */
  subject(args: A): string;
  /** The path of the argument that a key of the step's file comes from, as the user wrote it. */
  property?(key: string, args: A): string;
  /** The arguments with defaults and everything that depends on the release filled in. */
  complete(args: A, platform: Platform): A;
  /** The facts to ask the host for. */
  look(args: A, platform: Platform): Look<O>;
  /** The host's values, under the names of the inputs, in the user's spelling where they mean the same. */
  live(observed: O, args: A, platform: Platform): Partial<A>;
  /** Outputs that are not inputs. */
  outputs(observed: O, args: A, platform: Platform): Readonly<Record<string, unknown>>;
  /** The keys that the resource owns. */
  owns(observed: O, args: A, context: PlanContext): Holdings;
  plan(observed: O, args: A, context: PlanContext): Plan;
  /** The plan that brings the host back to before the first apply, and touches only the resource's own keys. */
  restore(observed: O, args: A, context: RestoreContext): Plan;
  /** The faults of a plan that only the host's own tools, or the plans of other steps, can show. */
  judge?(observed: O, args: A, context: JudgeContext): Promise<readonly Failure[]>;
}

/** A kind whose type parameters do not matter to the caller. */
export type AnyKind = Kind<Record<string, unknown>, unknown>;
