/**
 * What leaves the provider for the eyes of the user: messages, errors, failures of `check`, and the values in a state that
 * the engine shows. All of it goes through here: without secrets, and with nothing in it that a terminal or the engine
 * would obey.
 */
import { at, type Failure } from "../arguments/schema";
import { isDictionary, valueAt, valueIn } from "../values/json";
import { holdsDirective, printable } from "../values/readable";
import { secretPathsOf } from "./secrets/known";
import { mask } from "./secrets/masking";
import { userError, type Values } from "./state";

/** A message as it may be shown. */
export function shown(text: string): string {
  return printable(mask(text));
}

/** What was thrown, as an error whose message may be shown. */
export function shownError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return userError(shown(String(thrown)));
  const message = shown(thrown.message);
  if (message === thrown.message) return withoutStack(thrown);
  const { message: _message, stack: _stack, ...more } = thrown;
  return withoutStack(Object.assign(userError(message), more));
}

/** The SDK prints an error and then its stack, so a stack that repeats the message is dropped. */
function withoutStack(error: Error): Error {
  if (error.stack === error.message) error.stack = "";
  return error;
}

/**
 * Values of a host as the engine may show them. A string that is the same in `given`, the program's own values, stays as
 * it is, so that the two are equal.
 */
export function shownValues<T>(values: T, given?: unknown): T {
  return shownAt(values, given) as T;
}

function shownAt(value: unknown, given: unknown): unknown {
  if (typeof value === "string") return value === given ? value : printable(value);
  if (Array.isArray(value))
    return value.map((item: unknown, index) => shownAt(item, valueIn(given, String(index))));
  if (!isDictionary(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const own = valueIn(given, key);
      return [own === undefined ? printable(key) : key, shownAt(item, own)];
    }),
  );
}

/**
 * Failures for arguments that Pulumi's engine cannot show. They would pass through its preview unchanged, and end the CLI
 * there. Of secrets it shows nothing, so they may hold anything.
 */
export function unshowable(args: Values, inputs: Values): Failure[] {
  const secrets = new Set(secretPathsOf(inputs).map((path) => valueAt(inputs, path)));
  const inside = (value: unknown, path: string): Failure[] => {
    if (secrets.has(value)) return [];
    if (typeof value === "string")
      return holdsDirective(value) ? [{ path, reason: DIRECTIVE }] : [];
    if (Array.isArray(value))
      return value.flatMap((item: unknown, index) => inside(item, `${path}[${index}]`));
    if (!isDictionary(value)) return [];
    return Object.entries(value).flatMap(([key, item]) =>
      holdsDirective(key)
        ? [{ path, reason: `the name ${JSON.stringify(key)} ${DIRECTIVE}` }]
        : inside(item, path === "" ? key : `${path}${at(key)}`),
    );
  };
  return inside(args, "");
}

const DIRECTIVE =
  'holds "<{%", which Pulumi takes for a directive about colours, and on which its CLI ends with a panic. Mark the value as a secret, which the CLI does not show, or leave these characters out.';
