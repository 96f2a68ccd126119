/**
 * What a resource is. A kind says what may be said (`arguments`, `complete`), what to look at (`facts`, `observe`,
 * `live`), what to do (`plan`) and how to get back (`restore`). Everything but `step` is pure: the driver reads the
 * facts, applies the changes, and keeps the record.
 */
import type { AnyArguments, Failure } from "../arguments/schema";
import type { Answers, Facts, FileState, HostReader, HostWriter } from "../host/host";
import type { Declarations } from "../judge/declarations";
import type { Claim, HostRecord, Json, KeyEntry, Owner, SavedFile } from "../host/record";
import type { Platform } from "../openbsd/platform";

export type { Failure };

/** One change. Every one of them prints as a unified diff or as one line, and is applied by the driver alike. */
export type Change =
  | {
      readonly change: "write";
      readonly path: string;
      /** What stands there now; decides the diff, and what must still stand there when it is written. */
      readonly found: FileState;
      readonly contents: string;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
      /** The file is yet to come by an earlier step: the preview knows the new lines only. */
      readonly partial?: boolean;
      /** Bytes that mean nothing to a reader (a database): named, not diffed. */
      readonly opaque?: boolean;
    }
  | {
      readonly change: "remove";
      readonly path: string;
      readonly found: FileState;
      readonly opaque?: boolean;
    }
  | {
      readonly change: "run";
      /** What it does, in one line, as in "install postfix-2.6.5". */
      readonly text: string;
      readonly argv: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly tty?: boolean;
      readonly timeoutMs?: number;
      /** Exit codes that are not a failure; default only 0. */
      readonly okay?: readonly number[];
    }
  /** Something the kind itself does, by its `step`. */
  | {
      readonly change: "step";
      readonly text: string;
      readonly step: string;
      readonly detail?: Json;
    };

/** What a plan may ask about besides what was observed. */
export interface PlanContext {
  readonly platform: Platform;
  readonly record: HostRecord;
  /** Who plans. */
  readonly owner: Owner;
  /** Keys that this instance owns and the arguments no longer name, youngest first. */
  readonly dropped: readonly (readonly [string, KeyEntry])[];
  /** The arguments as they were last applied; `undefined` when never, or when that failed. */
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

/** What restoring sees. */
export interface RestoreContext {
  readonly platform: Platform;
  /** Our keys, youngest first: from the record, or from the state where the host has none. */
  readonly keys: readonly (readonly [string, KeyEntry])[];
  readonly record: HostRecord;
  /** Says to the user what was left as it is, and why. */
  readonly warn: (text: string) => void;
}

/** What a kind's own step may use. */
export interface StepContext {
  readonly platform: Platform;
  readonly progress: (text: string) => void;
  /** As it is on the host now: what was noted meanwhile is in it. */
  readonly record: HostRecord;
  /** Notes what was made of a key of ours, so that whoever goes on after a cut knows. Without the key, nothing. */
  readonly note: (key: string, applied: Json) => Promise<void>;
  /** How Pulumi reaches the host: its name or address as the program's `connection` says it. */
  readonly connectionHost: string;
  /** Changes the record on the host. */
  readonly setRecord: (change: (record: HostRecord) => HostRecord) => Promise<void>;
  readonly warn: (text: string) => void;
}

/** What a check of the host itself may use. */
export interface JudgeContext {
  readonly platform: Platform;
  /** Does an earlier step of the same plan bring this path, as yet unknown? */
  readonly coming: (path: string) => boolean;
  /** The file as the steps before this one will leave it; `undefined` where none of them changes it. */
  readonly predicted: (path: string) => FileState | undefined;
  /** The file as it stood before those steps; `undefined` where none of them changes it. */
  readonly found: (path: string) => FileState | undefined;
  /** Says of the judgement what holds for those who judge later as well. */
  readonly declare: (said: Declarations) => void;
  /** What was said of it so far, in this plan or an earlier one. */
  readonly declared: () => Declarations;
  readonly warn: (text: string) => void;
}

/** `A`: the arguments as the user may give them, complete; `O`: what was observed. */
export interface Kind<A extends object, O> {
  readonly name: string;
  /** What it does leaves nothing on the host to look at: a failure stays one until it was done again. */
  readonly repeats?: true;
  /** It is part of the switch from one mailer to the other: when it fails, the error says who serves. */
  readonly switches?: true;
  /** What of a host it is: the second half of the id. */
  what(args: A): string;
  /** What the user may give: everything in `A` but what `complete` fills in under names of its own. */
  readonly arguments: AnyArguments;
  /** The property that says what a key of its file is to be, as the user wrote it. */
  property?(key: string, args: A): string;
  /** The arguments with defaults and everything that depends on the release filled in. */
  complete(args: A, platform: Platform): A;
  facts(args: A, platform: Platform): Facts;
  /** `answers` hold those to `facts`, and the file of the record under `record`. */
  observe(answers: Answers<Facts>, args: A, platform: Platform): O;
  /** What is worth asking only after a first look; `observe` then gets all answers together. */
  more?(observed: O, args: A, platform: Platform): Facts | undefined;
  /** What the host has, under the names of the inputs, in the user's spelling where equal in meaning. */
  live(observed: O, args: A, platform: Platform): Partial<A>;
  /** Other outputs. */
  outputs(observed: O, args: A, platform: Platform): Readonly<Record<string, unknown>>;
  /** The keys it owns, with what undoing them needs. */
  claims(observed: O, args: A, context: PlanContext): readonly Claim[];
  /** Baselines of the files that its keys lie in. */
  baselines(observed: O, args: A): Readonly<Record<string, FileState>>;
  plan(observed: O, args: A, context: PlanContext): readonly Change[];
  restore(observed: O, args: A, context: RestoreContext): readonly Change[];
  /** Does one of its own steps, in a write section. Outputs that only the step can know are returned. */
  step?: (
    step: string,
    detail: Json | undefined,
    host: HostWriter,
    args: A,
    context: StepContext,
  ) => Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Is a plan possible at all on this host: conflicts, candidates judged by the host's own tools. */
  judge?(
    host: HostReader,
    observed: O,
    args: A,
    changes: readonly Change[],
    context: JudgeContext,
  ): Promise<readonly Failure[]>;
  /** Paths that its changes bring, for the plans of those that come after it in the same preview. */
  brings?(args: A, changes: readonly Change[], platform: Platform): readonly string[];
  /** What the record must say from before these changes until they are done, besides the keys. */
  owes?(changes: readonly Change[]): Pick<HostRecord, "syslogd">;
  /** What Postfix must be told after these changes. */
  pending?(args: A, changes: readonly Change[], observed: O): HostRecord["pending"];
}

/** A kind whose type parameters do not matter to the caller. */
export type AnyKind = Kind<Record<string, unknown>, unknown>;
