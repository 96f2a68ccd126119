/**
 * Every pair of operations, the first of them cut at each of its requests: before the request is sent, and when it was
 * carried out but its answer is lost. On a host of each release family; then the host must be what it was.
 */
import { FAMILIES } from "../preview/server";
import { figure } from "./figures";
import type { Incident } from "./injection";
import { Run, type Step } from "./run";
import { subjectOf } from "./subjects";
import { World } from "./world";

/** What is cut on which release: the cheapest. More subjects, on two releases: tests/host/interrupted.test.ts. */
const ON: Readonly<Record<string, readonly string[]>> = {
  "4.7": ["rc"],
  "5.0": ["rc"],
  "5.6": ["rc"],
  "5.7": ["crontab"],
  "7.8": ["rc"],
};

const BEFORE: Incident = { what: "cut before" };
const UNANSWERED: Incident = { what: "cut unanswered" };

/** On the newest release every request is cut in both ways, on the others in one, by turns. */
function incidentsFor(release: string, request: number): readonly Incident[] {
  if (release === "7.8") return [BEFORE, UNANSWERED];
  return [request % 2 === 0 ? BEFORE : UNANSWERED];
}

interface Pair {
  readonly first: "create" | "update" | "destroy";
  readonly then: "the same again" | "the program of before" | "destroy";
}

const PAIRS: readonly Pair[] = [
  { first: "create", then: "the same again" },
  { first: "create", then: "destroy" },
  { first: "update", then: "the same again" },
  { first: "update", then: "the program of before" },
  { first: "update", then: "destroy" },
  { first: "destroy", then: "destroy" },
  { first: "destroy", then: "the program of before" },
];

/** The steps of a pair; the fault is that of the first operation. */
function stepsOf({ first, then }: Pair, on: string, request: number, incident: Incident): Step[] {
  const { keys, values } = subjectOf(on);
  const [one = "", another = one] = keys;
  const [old = "", fresh = old] = values;
  const before = { [one]: old };
  const after = keys.length === 1 ? { [one]: fresh } : { [one]: fresh, [another]: fresh };
  const fault = { request, incident };
  const up = (given: Readonly<Record<string, string>>): Step => ({ do: "up", on, values: given });
  const proven = (given: Readonly<Record<string, string>>): Step => ({
    do: "up",
    on,
    values: given,
    prove: true,
  });
  const faulted: Readonly<Record<Pair["first"], readonly Step[]>> = {
    create: [{ do: "up", on, values: after, fault }],
    update: [up(before), { do: "up", on, values: after, fault }],
    destroy: [up(before), { do: "destroy", on, fault }],
  };
  const last: Readonly<Record<Pair["then"], Step>> = {
    "the same again": proven(after),
    "the program of before": proven(before),
    destroy: { do: "destroy", on },
  };
  return [...faulted[first], last[then]];
}

describe.each(FAMILIES)("OpenBSD %s", (release) => {
  let world: World;
  let points = 0;
  beforeAll(async () => {
    world = await World.start(release);
  });
  afterAll(async () => {
    figure("F8", `OpenBSD ${release}: ${points} points cut`);
    await world.stop();
  });

  /** Whether the operation made so many requests that it was cut. */
  async function strike(
    pair: Pair,
    on: string,
    request: number,
    incident: Incident,
  ): Promise<boolean> {
    const run = new Run(world);
    try {
      await run.all(stepsOf(pair, on, request, incident), "files");
    } catch (error) {
      await world.reset();
      throw new Error(`${incident.what}, request ${request}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return run.strikes > 0;
  }

  describe.each(ON[release] ?? [])("%s", (on) => {
    test.each(PAIRS)("a $first, cut at each request; then $then", async (pair) => {
      for (let request = 1; ; request += 1) {
        const struck: boolean[] = [];
        for (const incident of incidentsFor(release, request))
          struck.push(await strike(pair, on, request, incident));
        if (!struck.includes(true)) break;
        points += struck.length;
      }
      expect(await world.isPristine()).toBe(true);
    });
  });
});
