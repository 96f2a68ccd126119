/**
 * Steps by chance, with faults by chance, until the time is over. `npm run test:faults -- --seconds N [--seed S]` runs
 * this file alone; each sequence has a seed of its own, counted from the first, so that one that fails is run again at once.
 */
import * as fc from "fast-check";
import { figure } from "./figures";
import { sequences } from "./steps";
import { Run, type Step } from "./run";
import { World } from "./world";

const seconds = Number(process.env["PULUMI_OPENBSD_POSTFIX_FAULTS_SECONDS"] ?? 60);
/** The same each time where a failure would be nobody's doing, as the seeds of the properties are. */
const anySeed = process.env["CI"] === "true" ? 1 : Math.floor(Date.now() / 1000) % 2 ** 30;
const firstSeed = Number(process.env["PULUMI_OPENBSD_POSTFIX_FAULTS_SEED"] ?? anySeed);
const LONGEST = 40;
/** How long a sequence that fails is made shorter. */
const SHRINKING_MS = 180_000;

let world: World;
beforeAll(async () => {
  world = await World.start("7.8");
});
afterAll(() => world.stop());

test(
  "steps by chance, with faults by chance: no invariant is violated",
  async () => {
    const until = Date.now() + seconds * 1000;
    const begin = Date.now();
    let steps = 0;
    let strikes = 0;
    let seed = firstSeed;
    process.stderr.write(`random faults for ${seconds} s from seed ${firstSeed}\n`);
    for (; Date.now() < until; seed += 1) {
      let failedAt: number | undefined;
      const property = fc.asyncProperty(sequences(LONGEST), async (sequence) => {
        // What is not tried any more counts as no failure, so that the shortest failing one so far stands.
        if (failedAt !== undefined && Date.now() - failedAt > SHRINKING_MS) return;
        const run = new Run(world);
        try {
          await run.all(sequence);
        } catch (error) {
          failedAt ??= Date.now();
          throw error;
        } finally {
          steps += run.steps;
          strikes += run.strikes;
          // What an admin wrote stays when all else is undone.
          await world.reset();
        }
      });
      const result = await fc.check<[readonly Step[]]>(property, { seed, numRuns: 1 });
      if (!result.failed) continue;
      const sequence = result.counterexample?.[0].map((step) => JSON.stringify(step)).join("\n");
      throw new Error(
        `seed ${seed}, after ${steps} steps, shrunk ${result.numShrinks} times:\n${sequence}\n` +
          `${String((result.errorInstance as Error | undefined)?.message)}\n` +
          `Again: npm run test:faults -- --seconds 1 --seed ${seed}`,
      );
    }
    const rate = (steps / ((Date.now() - begin) / 1000)).toFixed(1);
    figure("F8", `${steps} random steps with ${strikes} faults, seeds ${firstSeed} to ${seed - 1}`);
    process.stderr.write(
      `${steps} steps with ${strikes} faults from seeds ${firstSeed} to ${seed - 1}, ${rate} a second: no violation\n`,
    );
    expect(steps).toBeGreaterThan(0);
  },
  (seconds + 600) * 1000,
);
