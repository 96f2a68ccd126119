import * as aliases from "../../../provider/formats/aliases";
import { describeLaws, holds } from "./laws";
import { foreignLine, names, recipients, texts, values } from "./aliasesTexts";

describe("aliases", () => {
  describeLaws({ format: aliases, texts, keys: names, values, foreignLine });

  test("a recipient's spelling, once normalized, is its own", () => {
    holds(recipients, (recipient) => {
      expect(aliases.normalizeTarget(recipient)).toBe(recipient);
    });
  });
});
