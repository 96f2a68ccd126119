/**
 * Carries out steps on a host, one after the other, with faults in the midst of them, and holds the host after each step
 * to the invariants of docs/reliability.md. The model knows which values each key may have; of the product it knows nothing.
 */
import { forgetPlans } from "../../provider/driver/overlay";
import { isDeepStrictEqual } from "node:util";
import { connectionTo } from "../preview/server";
import * as provider from "../host/provider";
import { arm, type By, disarm, type Fault } from "./injection";
import { CANARY, type Subject, SUBJECTS, subjectOf, type Values } from "./subjects";
import type { Sighting, World } from "./world";

export type Step =
  /** The program says these values: a create, or an update. With `prove`, that nothing is left to do is proven then. */
  | {
      readonly do: "up";
      readonly on: string;
      readonly values: Values;
      readonly fault?: Fault;
      readonly prove?: boolean;
    }
  | { readonly do: "preview"; readonly on: string; readonly values: Values; readonly fault?: Fault }
  | { readonly do: "refresh" | "destroy"; readonly on: string; readonly fault?: Fault }
  /** The state is lost; kept aside as a backup; the backup takes its place, if it is of the same life. */
  | { readonly do: "lose" | "back up" | "restore"; readonly on: string }
  /** An admin sets a key, or takes it out. */
  | {
      readonly do: "edit";
      readonly on: string;
      readonly key: string;
      readonly value?: string;
      readonly by: By;
    }
  /** An admin adds a comment. */
  | { readonly do: "note"; readonly on: string; readonly by: By };

/** A promise that was not kept. */
export class Violation extends Error {
  override readonly name = "Violation";
}

type Value = string | undefined;

/** What the model knows of a subject. */
interface Life {
  made: provider.Made | undefined;
  /** Keys that are owned, or may be, each with the values that may be those of before. */
  readonly owned: Map<string, readonly Value[]>;
  /** Keys that the host's record may still hold for a state that was lost. */
  readonly orphans: Map<string, readonly Value[]>;
  /** Keys that an admin has changed since the last apply. */
  readonly drifted: Set<string>;
  backup: provider.Made | undefined;
}

/** A message is complete when it says what became of the host. */
const OUTCOME =
  /Nothing was changed|not known|unknown|in place|cannot be looked at|the next run|run it again/i;
/** No operation may take longer, whatever happens; none of the faults here makes a line silent. */
const LIMIT_MS = 120_000;

export class Run {
  private readonly lives = new Map<string, Life>();
  private edited = false;
  /** Has an admin written the secret by hand? What was there before is kept in the record as it was, to be put back. */
  private secretIsTheirs = false;
  /** The host after the last operation, as long as nobody has written there since. */
  private sighting: Sighting | undefined;
  /** Steps that were carried out. */
  steps = 0;
  /** Faults that struck. */
  strikes = 0;

  constructor(private readonly world: World) {}

  /** Carries out all steps, undoes everything, and holds the host to be what it was. */
  async all(steps: readonly Step[], look: "whole tree" | "files" = "whole tree"): Promise<void> {
    for (const step of steps) await this.step(step);
    await this.end(look);
  }

  async step(step: Step): Promise<void> {
    const subject = subjectOf(step.on);
    const life = this.lifeOf(subject);
    this.steps += 1;
    switch (step.do) {
      case "up":
      case "preview":
      case "refresh":
      case "destroy":
        return this.operate(step, subject, life);
      case "lose":
        for (const [key, bases] of life.owned) life.orphans.set(key, bases);
        life.owned.clear();
        life.made = undefined;
        return;
      case "back up":
        life.backup = life.made && { ...life.made };
        return;
      case "restore":
        if (life.backup && life.made?.props["instance"] === life.backup.props["instance"])
          life.made = { ...life.backup };
        return;
      case "edit":
        return this.edit(subject, step.key, step.value, step.by);
      case "note":
        return this.note(subject, step.by);
    }
  }

  /** Undoes what is still there, without faults. */
  async end(look: "whole tree" | "files"): Promise<void> {
    for (const subject of SUBJECTS) {
      const life = this.lifeOf(subject);
      if (life.made) await this.step({ do: "destroy", on: subject.name });
      // Without a state the host's record still knows what was there before.
      if (life.orphans.size > 0) {
        const values = Object.fromEntries(
          [...life.orphans.keys()].map((key) => [key, subject.values[0] ?? ""]),
        );
        await this.step({ do: "up", on: subject.name, values });
        await this.step({ do: "destroy", on: subject.name });
      }
    }
    if (look === "files" && !this.edited && (await this.world.isPristine())) return;
    const edited = this.edited ? SUBJECTS.map(({ path }) => path) : [];
    const left = (await this.world.left()).filter(
      (line) =>
        !edited.some((path) => line.startsWith(`${path}:`) || line.startsWith(`${path}.db:`)),
    );
    if (left.length > 0) throw new Violation(`I10: after all was undone: ${left.join("; ")}`);
  }

  private lifeOf({ name }: Subject): Life {
    let life = this.lives.get(name);
    if (life === undefined) {
      life = {
        made: undefined,
        owned: new Map(),
        orphans: new Map(),
        drifted: new Set(),
        backup: undefined,
      };
      this.lives.set(name, life);
    }
    return life;
  }

  /** An operation of the engine, with its fault. */
  private async operate(
    step: Extract<Step, { do: "up" | "preview" | "refresh" | "destroy" }>,
    subject: Subject,
    life: Life,
  ): Promise<void> {
    const { fault } = step;
    if (step.do !== "up" && step.do !== "preview" && life.made === undefined) return;
    const before = this.sighting ?? (await this.world.look());
    const reads = step.do === "preview" || step.do === "refresh";
    const digest = reads ? await this.world.digest() : "";
    provider.said();
    const others = { noted: false };
    if (fault)
      await arm(this.world.host, fault, {
        disk: (how, folder) => this.world.disk(how, folder),
        edit: async (by) => {
          others.noted = subject.shared;
          await this.note(subject, by);
        },
      });
    const error = await this.perform(step, subject, life);
    if (fault) {
      if (await disarm()) this.strikes += 1;
      if ("request" in fault && fault.incident.what === "disk")
        await this.world.mend(fault.incident.folder);
    }
    const after = await this.world.look();
    this.sighting = after;
    this.spoken(step, error, fault);
    this.kept(step, subject, before, after, others.noted, fault);
    if (reads) {
      if (!others.noted && !killed(fault)) await this.untouched(step.do, digest);
      return;
    }
    this.landed(step, subject, life, error, before, after);
    if (step.do === "up" && step.prove && error === undefined && life.made)
      await this.proven(subject, step.values, life.made);
  }

  /** Does it as the engine does, and keeps the state as the engine would. Returns the error. */
  private async perform(
    step: Extract<Step, { do: "up" | "preview" | "refresh" | "destroy" }>,
    subject: Subject,
    life: Life,
  ): Promise<Error | undefined> {
    forgetPlans();
    try {
      await within(LIMIT_MS, JSON.stringify(step), this.call(step, subject, life));
      return undefined;
    } catch (thrown) {
      if (thrown instanceof Violation) throw thrown;
      const error = thrown as Error & { id?: string; properties?: Record<string, unknown> };
      if (error.properties && step.do === "up") {
        const news = this.news(subject, step.values);
        life.made ??= { kind: subject.kind, id: error.id ?? "", news, props: {}, inputs: {} };
        const { __provider: _, ...props } = error.properties;
        life.made.props = props;
        life.made.inputs = provider.appliedOf(subject.kind, props);
      }
      return error;
    }
  }

  private async call(
    step: Extract<Step, { do: "up" | "preview" | "refresh" | "destroy" }>,
    subject: Subject,
    life: Life,
  ): Promise<void> {
    const { made } = life;
    switch (step.do) {
      case "up": {
        const news = this.news(subject, step.values);
        if (made) await provider.update(made, news);
        else life.made = await provider.create(subject.kind, news);
        return;
      }
      case "preview": {
        const news = this.news(subject, step.values, true);
        await provider.checked(subject.kind, made?.inputs ?? {}, news);
        return;
      }
      case "refresh":
        if (made) await provider.refresh(made);
        return;
      case "destroy":
        if (made) await provider.remove(made);
        return;
    }
  }

  private news(subject: Subject, values: Values, preview = false): Record<string, unknown> {
    const { name, stack, kind } = subject;
    const options = { stack, name, preview };
    return provider.inputsOf(kind, subject.args(values), connectionTo(this.world.host), options);
  }

  /** What was said is complete, and has no secret in it. */
  private spoken(step: Step, error: Error | undefined, fault: Fault | undefined): void {
    const said = provider.said();
    const words = `${said}\n${error?.message ?? ""}\n${error?.stack ?? ""}`;
    if (words.includes(CANARY)) throw new Violation(`I8: a secret is in ${words}`);
    if (error === undefined) return;
    if (fault === undefined)
      throw new Violation(`I2: without a fault, ${step.do} of ${step.on} failed: ${error.message}`);
    const { host, port } = this.world.host;
    if (!error.message.includes(`${host}:${port}`) || !OUTCOME.test(error.message))
      throw new Violation(`I6: the error of a fault is not complete: ${error.message}`);
  }

  /** What is nobody's own is as it was, and nothing of ours lies about. */
  private kept(
    step: Step,
    subject: Subject,
    before: Sighting,
    after: Sighting,
    noted: boolean,
    fault: Fault | undefined,
  ): void {
    if (after.leaks.length > 0 && !this.secretIsTheirs)
      throw new Violation(`I8: a secret is in ${after.leaks.join()}`);
    if (fault === undefined && after.leftovers.some((path) => path.includes(fileName(subject))))
      throw new Violation(`I5: left over after ${step.do}: ${after.leftovers.join()}`);
    for (const other of SUBJECTS) {
      const [was, is] = [before.files[other.path], after.files[other.path]];
      const own = other.path === subject.path;
      if (!own && !isDeepStrictEqual(was, is))
        throw new Violation(`I1: ${step.do} of ${subject.name} has changed ${other.path}`);
      if (!own || noted) continue;
      const [left, right] = [was?.text ?? "", is?.text ?? ""].map((text) => other.rest(text));
      // A file that we made goes with the last of our keys, also where blank lines are left in it.
      const isGone = is === undefined && left?.trim() === "";
      if (left !== right && !isGone)
        throw new Violation(
          `I1: ${step.do} of ${subject.name} has changed what is not its own:\n${left}\n=== is now\n${right}`,
        );
    }
    const [was, is] = [before.files[subject.path], after.files[subject.path]];
    if (noted && !(is?.text ?? "").includes(this.lastNote))
      throw new Violation(`I7: the edit of somebody else is lost in ${is?.text ?? ""}`);
    // A file that somebody else made when ours was gone already has the mode and the owner that they gave it.
    if (noted && this.noteMadeFile) return;
    if (is && (is.mode & ~(was?.mode ?? 0o644)) !== 0)
      throw new Violation(`I1: ${subject.path} has the mode ${is.mode.toString(8)}`);
    if (was && is && (was.uid !== is.uid || was.gid !== is.gid))
      throw new Violation(`I1: ${subject.path} has another owner`);
  }

  private async untouched(what: string, digest: string): Promise<void> {
    const now = await this.world.digest();
    if (now === digest) return;
    const [old, fresh] = [digest, now].map((text) => new Set(text.split("\n"))) as [
      Set<string>,
      Set<string>,
    ];
    const changed = [...old].filter((line) => !fresh.has(line));
    const come = [...fresh].filter((line) => !old.has(line));
    throw new Violation(`I5: ${what} has written: ${changed.join("; ")} => ${come.join("; ")}`);
  }

  /** Each key has a value that it may have after an up or a destroy; after an error the file is the old or the new. */
  private landed(
    step: Extract<Step, { do: "up" | "refresh" | "preview" | "destroy" }>,
    subject: Subject,
    life: Life,
    error: Error | undefined,
    before: Sighting,
    after: Sighting,
  ): void {
    const [was, is] = [before, after].map((sighting) => this.valuesIn(sighting, subject)) as [
      Values,
      Values,
    ];
    const wanted = step.do === "up" ? step.values : {};
    const allowed = (key: string): readonly Value[] => {
      if (wanted[key] !== undefined) return [wanted[key]];
      const bases = life.owned.get(key) ?? life.orphans.get(key);
      if (bases === undefined) return [was[key]];
      // Who makes a resource anew takes over what the record holds of the lost one, if they have a key in common.
      const isSure = !life.drifted.has(key) && life.owned.has(key);
      return isSure ? bases : [...bases, was[key]];
    };
    const isNew = subject.keys.every((key) => allowed(key).includes(is[key]));
    const isOld = subject.keys.every((key) => is[key] === was[key]);
    if (!isNew && (error === undefined || !isOld))
      throw new Violation(
        `${error ? "I1" : "I4"}: ${step.do} of ${subject.name} ${error ? `failed (${error.message}) and` : ""} ` +
          `left ${JSON.stringify(is)}; before ${JSON.stringify(was)}, wanted ${JSON.stringify(wanted)}, ` +
          `each of the others one of ${JSON.stringify(subject.keys.map((key) => [key, allowed(key).map(String)]))}`,
      );
    this.remember(step, subject, life, error, was, is);
  }

  /** What the model knows after an operation. */
  private remember(
    step: Extract<Step, { do: "up" | "refresh" | "preview" | "destroy" }>,
    subject: Subject,
    life: Life,
    error: Error | undefined,
    was: Values,
    is: Values,
  ): void {
    const basesOf = (key: string): readonly Value[] =>
      life.owned.get(key) ?? [...(life.orphans.get(key) ?? []), was[key]];
    if (error !== undefined) {
      for (const key of life.drifted) if (was[key] !== is[key]) life.drifted.delete(key);
      if (step.do !== "up") return;
      const holder = life.made ? life.owned : life.orphans;
      // Whether it got as far as to take a lost key over is not known: the key stays one that may be lost.
      for (const key of Object.keys(step.values)) holder.set(key, basesOf(key));
      return;
    }
    if (step.do === "destroy") {
      life.made = undefined;
      for (const key of life.owned.keys()) {
        life.drifted.delete(key);
        if (was[key] !== is[key]) life.orphans.delete(key);
      }
      life.owned.clear();
    } else if (step.do === "up") {
      for (const key of subject.keys) {
        if (step.values[key] === undefined) life.owned.delete(key);
        else life.owned.set(key, basesOf(key));
        if (step.values[key] !== undefined || was[key] !== is[key]) life.orphans.delete(key);
        life.drifted.delete(key);
      }
    }
  }

  /** The state says what the host has, the database what the text says, and another up writes nothing. */
  private async proven(subject: Subject, values: Values, made: provider.Made): Promise<void> {
    forgetPlans();
    await provider.refresh(made);
    const news = this.news(subject, values);
    if (await provider.differs(made, news))
      throw new Violation(`I4: after up, the state of ${subject.name} is not what is wanted`);
    const digest = await this.world.digest();
    forgetPlans();
    await provider.update(made, news);
    await this.untouched("a second up", digest).catch((violation: unknown) => {
      throw new Violation((violation as Error).message.replace("I5", "I3"));
    });
    const { database } = subject;
    if (database === undefined) return;
    for (const key of subject.keys) {
      const argv = [
        `/usr/local/sbin/${database.tool}`,
        "-q",
        key,
        `${database.type}:${subject.path}`,
      ];
      const { stdout } = await this.world.host.exec(argv);
      const wanted = values[key] ?? this.valuesIn(await this.world.look(), subject)[key] ?? "";
      if (stdout.trim() !== wanted)
        throw new Violation(`I4: the database of ${subject.path} says ${stdout} for ${key}`);
    }
  }

  private valuesIn(sighting: Sighting, subject: Subject): Values {
    const file = sighting.files[subject.path];
    return file === undefined ? {} : subject.read(file.text);
  }

  private async edit(subject: Subject, key: string, value: Value, by: By): Promise<void> {
    if (typeof value === "string" && value.includes(CANARY)) this.secretIsTheirs = true;
    const now = (await this.world.look()).files[subject.path];
    if (now === undefined && value === undefined) return;
    const text = subject.edit(now?.text ?? "", key, value);
    if (text === now?.text) return;
    this.edited = true;
    this.sighting = undefined;
    await this.world.write(subject.path, text, by);
    const life = this.lifeOf(subject);
    const found = subject.read(text)[key];
    if (!life.owned.has(key) && !life.orphans.has(key)) return;
    life.drifted.add(key);
    for (const holder of [life.owned, life.orphans]) {
      const bases = holder.get(key);
      if (bases) holder.set(key, [...bases, found]);
    }
  }

  private notes = 0;
  private lastNote = "";
  /** Was there no file when the last note was written? */
  private noteMadeFile = false;

  private async note(subject: Subject, by: By): Promise<void> {
    if (!subject.shared) return;
    this.edited = true;
    this.sighting = undefined;
    this.lastNote = `# note ${++this.notes}.`;
    const file = (await this.world.look()).files[subject.path];
    this.noteMadeFile = file === undefined;
    await this.world.write(subject.path, `${file?.text ?? ""}${this.lastNote}\n`, by);
  }
}

function fileName({ path }: Subject): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function killed(fault: Fault | undefined): boolean {
  return fault !== undefined && "request" in fault && fault.incident.what === "kill";
}

async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Violation(`I6: no end after ${ms / 1000} s: ${what}`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
