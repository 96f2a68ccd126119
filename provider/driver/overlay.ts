/**
 * What earlier steps of the same plan will have done to a host, so that `check` of one resource sees the plans of
 * those before it. One overlay for each host and process; only previews look through it.
 */
import type { ConnectionArgs } from "../host/connection";
import type { Answers, Facts, FileState } from "../host/host";
import { sha256 } from "../values/digest";
import { type HostRecord, RECORD_PATH, parseRecord, recordFile } from "../host/record";
import { type Declarations, together } from "../judge/declarations";
import type { AnyKind, Change } from "../kind/kind";
import type { Values } from "./state";

/** A resource that is as it was, so that the host was not looked at for it. */
export interface Unseen {
  readonly kind: AnyKind;
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
  readonly #declared = new Map<string, Declarations>();
  #pending: HostRecord["pending"];

  /** Answers as they will be when the plans so far are carried out. */
  through(facts: Facts, answers: Answers<Facts>): Answers<Facts> {
    const seen: Record<string, Answers<Facts>[string]> = { ...answers };
    for (const [name, fact] of Object.entries(facts)) {
      if (fact.fact !== "file") continue;
      const predicted = this.#files.get(fact.path);
      if (predicted) seen[name] = predicted;
      if (fact.path === RECORD_PATH && this.#pending)
        seen[name] = recordFile({
          ...parseRecord(seen[name] as FileState),
          pending: this.#pending,
        });
    }
    return seen;
  }

  add(changes: readonly Change[], brings: readonly string[], pending: HostRecord["pending"]): void {
    this.#coming.push(...brings);
    if (changes.length > 0) this.#pending = pending;
    for (const change of changes) {
      if (change.change !== "write" && change.change !== "remove") continue;
      if (!this.#found.has(change.path)) this.#found.set(change.path, change.found);
      if (change.change === "remove") this.#files.set(change.path, { type: "absent" });
      if (change.change === "write" && !change.partial)
        this.#files.set(change.path, written(change));
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

  /** Notes what a resource says of the judgement. */
  declare(urn: string, said: Declarations): void {
    this.#declared.set(urn, said);
  }

  /** What all say of it: in this program, or as the record has it. */
  declared(recorded: ReadonlyMap<string, Declarations>): Declarations {
    return together(new Map([...recorded, ...this.#declared]).values());
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
