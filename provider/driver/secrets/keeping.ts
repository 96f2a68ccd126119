/** Running a method of the provider so that no secret leaves it. */
import { type Values, userError } from "../state";
import { callWith, type Spellings, add, secretsIn } from "./known";
import { mask } from "./masking";

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
      if (!(error instanceof Error)) throw error;
      if (mask(error.message) === error.message) throw withoutStack(error);
      const { message, stack: _stack, ...more } = error;
      throw withoutStack(Object.assign(userError(mask(message)), more));
    }
  });
}

/** The SDK prints an error and then its stack, so a stack that repeats the message is dropped. */
function withoutStack(error: Error): Error {
  if (error.stack === error.message) error.stack = "";
  return error;
}
