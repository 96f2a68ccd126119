/**
 * A look at a host: which facts are asked, and what is made of their answers. Looks are values that can be put
 * together; all that is asked at a time travels in one round trip.
 */
import type {
  Answers,
  Fact,
  FactAnswers,
  Facts,
  FileDigest,
  FileStat,
  FileState,
  HostReader,
} from "./host";

/** The answer to a fact that was asked, in the shape that its kind of fact has. */
export type AnswerTo = <F extends Fact>(fact: F) => FactAnswers[F["fact"]];

/** What the answers give: a value, or another look, because they leave something to be asked. */
type Outcome<T> = { readonly value: T } | { readonly further: Look<T> };

type Fields<T> = { readonly [K in keyof T]: Look<T[K]> };

export class Look<T> {
  private constructor(
    /** What is asked in the next round trip. */
    readonly facts: readonly Fact[],
    /** What the answers to these facts give. */
    readonly outcome: (answerTo: AnswerTo) => Outcome<T>,
  ) {}

  /** Asks one fact. */
  static at<F extends Fact>(fact: F): Look<FactAnswers[F["fact"]]> {
    return new Look([fact], (answerTo) => ({ value: answerTo(fact) }));
  }

  /** Asks nothing. */
  static of<T>(value: T): Look<T> {
    return new Look([], () => ({ value }));
  }

  /** Several looks as one, by name. */
  static all<T extends object>(looks: Fields<T>): Look<T> {
    const entries = Object.entries<Look<unknown>>(looks);
    return new Look(
      entries.flatMap(([, look]) => look.facts),
      (answerTo) => {
        const outcomes = entries.map(([name, look]) => [name, look.outcome(answerTo)] as const);
        if (outcomes.every(([, outcome]) => "value" in outcome))
          return { value: namedValues(outcomes) as T };
        const further = outcomes.map(([name, outcome]) => [
          name,
          "value" in outcome ? Look.of(outcome.value) : outcome.further,
        ]);
        return { further: Look.all(Object.fromEntries(further) as Fields<T>) };
      },
    );
  }

  /** The same look at each of several things, by their names. */
  static each<K extends string, T>(
    names: readonly K[],
    look: (name: K) => Look<T>,
  ): Look<Readonly<Record<K, T>>> {
    return Look.all(
      Object.fromEntries(names.map((name) => [name, look(name)])) as Fields<Record<K, T>>,
    );
  }

  map<U>(make: (value: T) => U): Look<U> {
    return this.andThen((value) => Look.of(make(value)));
  }

  /** What must be asked once the value is known. It travels in another round trip, unless it asks nothing. */
  andThen<U>(next: (value: T) => Look<U>): Look<U> {
    return new Look(this.facts, (answerTo) => {
      const outcome = this.outcome(answerTo);
      if ("further" in outcome) return { further: outcome.further.andThen(next) };
      const further = next(outcome.value);
      return further.facts.length === 0 ? further.outcome(answerTo) : { further };
    });
  }
}

function namedValues(
  outcomes: readonly (readonly [string, Outcome<unknown>])[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    outcomes.map(([name, outcome]) => [name, "value" in outcome ? outcome.value : undefined]),
  );
}

/** A path with its contents. */
export function file(path: string): Look<FileState> {
  return Look.at({ fact: "file", path });
}

/** A path with the digest of its contents, which stay on the host: for files that are no text. */
export function digest(path: string): Look<FileDigest> {
  return Look.at({ fact: "digest", path });
}

/** The certificates in a file, and the labels of its parts; private keys in it stay on the host. */
export function pem(path: string): Look<FactAnswers["pem"]> {
  return Look.at({ fact: "pem", path });
}

/** A path without its contents. */
export function stat(path: string): Look<FileStat> {
  return Look.at({ fact: "stat", path });
}

/** A path that a plan changes: the file at it, or its name in the folder. */
export interface Place {
  readonly path: string;
  readonly entry?: true;
}

/** The path without links; or why it cannot be changed. */
export function placeState(place: Place): Look<FactAnswers["place"]> {
  return Look.at({ fact: "place", ...place });
}

/** Names in a folder, sorted; `null` where there is no such folder. */
export function list(path: string): Look<FactAnswers["list"]> {
  return Look.at({ fact: "list", path });
}

/** Everything in a folder, itself included; `null` where nothing is there. */
export function tree(path: string): Look<FactAnswers["tree"]> {
  return Look.at({ fact: "tree", path });
}

/** How many files are below a folder; `null` where nothing is there. */
export function count(path: string): Look<FactAnswers["count"]> {
  return Look.at({ fact: "count", path });
}

/** What came of a program that only looks. */
export type ProbeAnswer = FactAnswers["probe"];

/** A program that only looks. */
export function probe(
  argv: readonly string[],
  options: Omit<Extract<Fact, { readonly fact: "probe" }>, "fact" | "argv"> = {},
): Look<ProbeAnswer> {
  return Look.at({ fact: "probe", argv, ...options });
}

/** What a program printed when it succeeded; `undefined` where it failed or is not there. */
export function printed(answer: ProbeAnswer): string | undefined {
  return "notFound" in answer || answer.exitCode !== 0 ? undefined : answer.stdout;
}

/** A user of the host; `null` where there is none of that name. */
export function user(name: string): Look<FactAnswers["user"]> {
  return Look.at({ fact: "user", name });
}

/** A group of the host; `null` where there is none of that name. */
export function group(name: string): Look<FactAnswers["group"]> {
  return Look.at({ fact: "group", name });
}

/** Answers in which files are other than they were found. */
export function withFiles(
  answerTo: AnswerTo,
  instead: (path: string, found: FileState) => FileState,
): AnswerTo {
  return <F extends Fact>(fact: F) => {
    const answer = answerTo(fact);
    return fact.fact === "file"
      ? (instead(fact.path, answer as FileState) as FactAnswers[F["fact"]])
      : answer;
  };
}

/** Asks the facts of one round trip. */
export type Ask = (facts: readonly Fact[]) => Promise<AnswerTo>;

/** Takes a look. `ask` is called once for each round trip, and not at all for a look that asks nothing. */
export async function take<T>(look: Look<T>, ask: Ask): Promise<T> {
  for (let now = look; ;) {
    const outcome = now.outcome(now.facts.length === 0 ? NO_ANSWER : await ask(now.facts));
    if ("value" in outcome) return outcome.value;
    now = outcome.further;
  }
}

/** Takes a look at a host. */
export function lookAt<T>(host: HostReader, look: Look<T>): Promise<T> {
  return take(look, (facts) => answersOf(host, facts));
}

const NO_ANSWER: AnswerTo = () => {
  throw new Error("a look that asks nothing has no answers");
};

/** Asks a host, in one request; a fact that stands in several looks is asked once. */
export async function answersOf(host: HostReader, facts: readonly Fact[]): Promise<AnswerTo> {
  const asked: Record<string, Fact> = {};
  const names = new Map<string, string>();
  for (const fact of facts) {
    const key = JSON.stringify(fact);
    if (names.has(key)) continue;
    const name = String(names.size);
    names.set(key, name);
    asked[name] = fact;
  }
  const answers: Answers<Facts> = await host.read(asked);
  return <F extends Fact>(fact: F) =>
    // The one place where an answer gets the type of its fact: HostReader.read answers each fact by its own kind.
    answers[names.get(JSON.stringify(fact)) ?? ""] as FactAnswers[F["fact"]];
}
