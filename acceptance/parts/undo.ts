/** Undoing however many steps. */
import { STEPS } from "../program";
import { type Check, expectSame, type Part } from "../suite";

/** Each number of steps, made by one up and undone by one destroy. */
export const undoOfPrefixes: Part = {
  name: "undo",
  title: "Undoing any number of steps",
  short: false,
  checks: STEPS.slice(0, -1).map((last, index): Check => ({
    name: `undo-${index + 1}`,
    law: `the first ${index + 1} steps, the last of them ${last}, are undone to the byte`,
    run: async (stage) => {
      stage.write({ steps: STEPS.slice(0, index + 1) });
      await stage.stack.up();
      await stage.stack.destroy();
      return expectSame(stage.bare, stage.ssh);
    },
  })),
};
