/** Running a method of the provider so that no secret leaves it. */
import { shownError } from "../shown";
import type { Values } from "../state";
import { callWith, type Spellings, add, secretsIn } from "./known";

/**
 * Runs a method of the provider. No secret in `values`, the method's inputs and state, gets into the method's messages or
 * into its error.
 */
export function keepingSecrets<T>(values: readonly Values[], work: () => Promise<T>): Promise<T> {
  const own: Spellings = new Map();
  add(values.flatMap(secretsIn), own);
  return callWith(own, async () => {
    try {
      return await work();
    } catch (error) {
      throw shownError(error);
    }
  });
}
