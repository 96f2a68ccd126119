/**
 * What earlier steps of the same plan will have done to a host, so that `check` of one resource sees the plans of
 * those before it. One overlay for each host and process; only previews look through it.
 */
import type { ConnectionArgs } from "../arguments/connection";
import type { FileState } from "../host/host";
import { type AnswerTo, withFiles } from "../host/look";
import { sha256 } from "../values/digest";
import { type HostRecord, type Json, RECORD_PATH, parseRecord, recordFile } from "../host/record";
import type { Change, Plan } from "../kind/kind";
import type { ServiceKind } from "./service";
import type { Values } from "./state";

/** A resource that is as it was, so that the host was not looked at for it. */
export interface Unseen {
  readonly kind: ServiceKind;
  readonly inputs: Values;
  /** Its name, and the one that it had before. */
  readonly names: readonly [string, string];
}

export class Overlay {
  readonly #files = new Map<string, FileState>();
  readonly #coming: string[] = [];
  readonly #claims = new Map<string, string>();
  readonly #unseen = new Map<string, Unseen>();
  readonly #said = new Set<string>();
  /** It could not be looked at: to try that again for every step would take minutes. */
  isSilent = false;
  #disputed = false;
  readonly #found = new Map<string, FileState>();
  readonly #declared = new Map<string, Json>();
  #pending: HostRecord["pending"];

  /** Answers as they will be when the plans so far are carried out. */
  through(answerTo: AnswerTo): AnswerTo {
    return withFiles(answerTo, (path, found) => {
      const file = this.#files.get(path) ?? found;
      return path === RECORD_PATH && this.#pending
        ? recordFile({ ...parseRecord(file), pending: this.#pending })
        : file;
    });
  }

  /**
   * Adds a plan to those so far.
   *
   * @param pending what the record will say that the running service must be told
   */
  add({ changes, brings = [] }: Plan, pending: HostRecord["pending"]): void {
    this.#coming.push(...brings);
    if (changes.length > 0) this.#pending = pending;
    for (const change of changes) {
      if (change.change === "act") continue;
      if (!this.#found.has(change.path)) this.#found.set(change.path, change.found);
      if (change.change === "remove") this.#files.set(change.path, { type: "absent" });
      else if (!change.partial) this.#files.set(change.path, written(change));
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

  /** Notes what a resource declares for all who judge after it. */
  declare(urn: string, said: Json): void {
    this.#declared.set(urn, said);
  }

  /** What the resources of this program have declared, by their URNs. */
  get declared(): ReadonlyMap<string, Json> {
    return this.#declared;
  }

  /** Does an earlier step bring this path, as yet unknown? A path that ends in `/` brings all below it. */
  coming(path: string): boolean {
    return this.#coming.some((one) => one === path || (one.endsWith("/") && path.startsWith(one)));
  }

  /** Claims keys for a resource; the first resource of the program that has claimed one of them already. */
  claim(keys: readonly string[], urn: string): { key: string; urn: string } | undefined {
    for (const key of keys) {
      const holder = this.#claims.get(key);
      if (holder !== undefined && holder !== urn) return { key, urn: holder };
    }
    for (const key of keys) this.#claims.set(key, urn);
    return undefined;
  }

  /** Notes a resource whose claims nobody has asked for; false when they must be, after {@link dispute}. */
  leave(unseen: Unseen): boolean {
    if (!this.#disputed) this.#unseen.set(unseen.names[0], unseen);
    return !this.#disputed;
  }

  /** A key goes from one resource of the stack to another: what was left is to be looked at, from now on at once. */
  dispute(): readonly Unseen[] {
    const all = [...this.#unseen.values()];
    this.#unseen.clear();
    this.#disputed = true;
    return all;
  }

  /** Is it the first time that this is to be said of the host? */
  isNew(text: string): boolean {
    if (this.#said.has(text)) return false;
    this.#said.add(text);
    return true;
  }
}

/** A file after a write, which keeps what it does not name: owner and mode, and the link that leads to the file. */
function written(change: Extract<Change, { change: "write" }>): FileState {
  const { found, contents } = change;
  const before = found.type === "symlink" ? found.file : found;
  const kept = before?.type === "file" ? before : { mode: 0o644, uid: 0, gid: 0 };
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
 * The overlay of a host. By its address: machines that were cloned have one host key. As one program calls it: the same
 * address behind another host to go through is another machine.
 */
export function overlayOf({ host, port, proxy }: ConnectionArgs): Overlay {
  const at = JSON.stringify([host, port ?? 22, proxy?.host, proxy?.port ?? 22]);
  let overlay = overlays.get(at);
  if (!overlay) overlays.set(at, (overlay = new Overlay()));
  return overlay;
}

/** Forgets all that was predicted: for whoever makes several plans in one process, as tests do. */
export function forgetPlans(): void {
  overlays.clear();
}
