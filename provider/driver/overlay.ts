/**
 * Predictions of what earlier steps of the same plan will have done to a host, so that `check` of one resource sees the
 * plans of the resources before it. There is one overlay for each host in a process; only `check` looks through it.
 */
import type { ConnectionArgs } from "../arguments/connection";
import type { Change, Plan } from "../contract/kind";
import { fileAt, type FileState, isRead } from "../host/host";
import { type AnswerTo, withFiles } from "../host/look";
import { sha256 } from "../values/digest";
import {
  type HostRecord,
  type Json,
  RECORD_PATH,
  faultIn,
  parseRecord,
  recordFile,
} from "../host/record";
import type { ServiceKind } from "./service";
import type { Values } from "./state";

/** An unchanged resource, whose check did not look at the host. */
export interface Unseen {
  readonly kind: ServiceKind;
  readonly inputs: Values;
  /** The resource's URN, and the URN that it had before. */
  readonly names: readonly [string, string];
}

export class Overlay {
  readonly #files = new Map<string, FileState>();
  readonly #coming: string[] = [];
  readonly #brought = new Map<string, string>();
  readonly #expected = new Map<string, string>();
  readonly #claims = new Map<string, string>();
  readonly #unseen = new Map<string, Unseen>();
  readonly #warnings = new Set<string>();
  /** The host did not answer, and is not tried again: with a try for every step, a preview would take minutes. */
  isSilent = false;
  #disputed = false;
  readonly #found = new Map<string, FileState>();
  readonly #declared = new Map<string, Json>();
  #pending: HostRecord["pending"];
  readonly #changing = new Set<string>();
  #acts = false;

  /** The host's answers, changed to what they will be after the plans so far. */
  through(answerTo: AnswerTo): AnswerTo {
    return withFiles(answerTo, (path, found) => {
      const file = this.#files.get(path) ?? found;
      return path === RECORD_PATH && this.#pending && faultIn(file) === undefined
        ? recordFile({ ...parseRecord(file), pending: this.#pending })
        : file;
    });
  }

  /**
   * Adds a plan.
   *
   * @param pending the reload or restart that the record will hold after the plan
   */
  add({ changes, brings = [], expects = {} }: Plan, pending: HostRecord["pending"]): void {
    this.#coming.push(...brings);
    for (const [path, text] of Object.entries(expects)) this.#brought.set(path, text);
    if (changes.length > 0) this.#pending = pending;
    for (const change of changes) {
      if (change.change === "act") {
        this.#acts ||= change.asks !== true;
        continue;
      }
      if (!this.#found.has(change.path) && isRead(change.found))
        this.#found.set(change.path, change.found);
      if (change.change === "remove") this.#files.set(change.path, { type: "absent" });
      else if (!change.partial) this.#files.set(change.path, written(change));
      else if (change.expected !== undefined) this.#expected.set(change.path, change.expected);
    }
  }

  /** The file as the plans so far will leave it; `undefined` where none of them changes it. */
  predicted(path: string): FileState | undefined {
    return this.#files.get(path);
  }

  /** The file as it stood before the plans so far; `undefined` where none of them changes it. */
  found(path: string): FileState | undefined {
    return this.#found.get(path);
  }

  /** The text of a file as a plan so far brings it, as far as it is known before. */
  brought(path: string): string | undefined {
    return this.#brought.get(path);
  }

  /** The same file as the plans so far will leave it. */
  expected(path: string): string | undefined {
    return this.#expected.get(path) ?? this.#brought.get(path);
  }

  /** Do the plans so far leave this path alone for certain? Nobody knows what else their actions may change. */
  leaves(path: string): boolean {
    return !this.#acts && !this.#found.has(path);
  }

  /** Notes whether the check of a resource has seen something to do. */
  expectChange(urn: string, isExpected: boolean): void {
    if (isExpected) this.#changing.add(urn);
    else this.#changing.delete(urn);
  }

  /** Has the check before this change, in this process, seen something to do? It counts for one change. */
  takeExpectation(urn: string): boolean {
    return this.#changing.delete(urn);
  }

  /** Adds a resource's declaration to the judgement of the resources after it. */
  declare(urn: string, declaration: Json): void {
    this.#declared.set(urn, declaration);
  }

  /** The declarations of the resources of this program, by their URNs. */
  get declared(): ReadonlyMap<string, Json> {
    return this.#declared;
  }

  /** Does an earlier step bring this path, with contents that are not known yet? */
  coming(path: string): boolean {
    return this.#coming.some(
      (brought) => brought === path || (brought.endsWith("/") && path.startsWith(brought)),
    );
  }

  /** Does an earlier step bring exactly this path, and not only a folder around it? */
  comingItself(path: string): boolean {
    return this.#coming.includes(path);
  }

  /** The resource that has claimed a file or something in it. */
  holderOf(path: string): string | undefined {
    for (const [key, urn] of this.#claims)
      if (key === path || key.startsWith(`${path}#`)) return urn;
    return undefined;
  }

  /** Claims keys for a resource, or returns the first of them that another resource of the program has claimed. */
  claim(keys: readonly string[], urn: string): { key: string; urn: string } | undefined {
    for (const key of keys) {
      const holder = this.#claims.get(key);
      if (holder !== undefined && holder !== urn) return { key, urn: holder };
    }
    for (const key of keys) this.#claims.set(key, urn);
    return undefined;
  }

  /** May an unchanged resource do without a look at the host? It may until a {@link dispute}, which then returns it. */
  leave(unseen: Unseen): boolean {
    if (!this.#disputed) this.#unseen.set(unseen.names[0], unseen);
    return !this.#disputed;
  }

  /**
   * A resource claims a key that another one of the stack owns. Returns the resources whose keys are not known, because
   * their checks did not look; from now on every check looks.
   */
  dispute(): readonly Unseen[] {
    const all = [...this.#unseen.values()];
    this.#unseen.clear();
    this.#disputed = true;
    return all;
  }

  /** Is this warning the first of its text for the host? */
  isNew(text: string): boolean {
    if (this.#warnings.has(text)) return false;
    this.#warnings.add(text);
    return true;
  }
}

/** A file after a write, which keeps an owner and mode that it does not name, and a link that leads to the file. */
function written(change: Extract<Change, { change: "write" }>): FileState {
  const { found, contents } = change;
  const kept = fileAt<{ readonly type: "file"; mode: number; uid: number; gid: number }>(found) ?? {
    ...{ mode: 0o644, uid: 0, gid: 0 },
  };
  const file: FileState = {
    type: "file",
    mode: change.mode ?? kept.mode,
    uid: change.uid ?? kept.uid,
    gid: change.gid ?? kept.gid,
    contents,
    sha256: sha256(contents),
    size: contents.length,
  };
  return found.type === "symlink" ? { ...found, file } : file;
}

const overlays = new Map<string, Overlay>();

/**
 * The overlay of a host. Hosts are told apart by their addresses, because cloned machines share a host key, and by the
 * proxy: the same private address behind another proxy is another machine.
 */
export function overlayOf({ host, port, proxy }: ConnectionArgs): Overlay {
  const at = JSON.stringify([host, port ?? 22, proxy?.host, proxy?.port ?? 22]);
  let overlay = overlays.get(at);
  if (!overlay) overlays.set(at, (overlay = new Overlay()));
  return overlay;
}

/** Forgets all predictions: for tests, which make several plans in one process. */
export function forgetPlans(): void {
  overlays.clear();
}
