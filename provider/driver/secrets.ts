/** Secret values never show: not in a diff, not in a message, not in an output that the state keeps in clear. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { readable } from "../changes";
import { equal, pathParts, valueAt, valueIn } from "../json";
import { type Values, userError } from "./state";

const HIDDEN = "[secret]";

/** What is secret in a connection, whether or not the program said so. */
const CREDENTIALS = ["privateKey", "privateKeyPassword", "password"] as const;

/** The secrets that the method which is running knows. Each call of the engine has its own. */
const known = new AsyncLocalStorage<Set<string>>();

/**
 * Runs a method of the provider. What is secret in `values`, which are its inputs or its state, stands in nothing that
 * it says, and in no error that comes out of it.
 */
export function keepingSecrets<T>(values: readonly Values[], work: () => Promise<T>): Promise<T> {
  return known.run(new Set(values.flatMap(secretsIn)), async () => {
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

/** The SDK prints an error and its stack one after the other: a stack that is the message would be a second one. */
function withoutStack(error: Error): Error {
  if (error.stack === error.message) error.stack = "";
  return error;
}

/** Live values under the names of inputs: what stands at a secret's place on the host is one too. */
export function learnSecrets(inputs: Values, live: Values): void {
  const secrets = known.getStore();
  if (!secrets) return;
  for (const secret of secretsIn({ ...live, secretPaths: inputs["secretPaths"] }))
    secrets.add(secret);
}

/** A text without the secrets that are known. */
export function mask(text: string): string {
  const longestFirst = [...(known.getStore() ?? [])].sort(
    (left, right) => right.length - left.length,
  );
  return longestFirst.reduce((masked, secret) => masked.replaceAll(secret, HIDDEN), text);
}

/** Outputs that are no inputs are kept in clear: without the secrets, in whatever depth. */
export function maskAll<T>(value: T): T {
  if (typeof value === "string") return mask(value) as T;
  if (Array.isArray(value)) return value.map((item) => maskAll<unknown>(item)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskAll(item)])) as T;
}

/**
 * Live values as a refresh may keep and show them. The engine knows that an input is secret by the value that it gave,
 * not by one that it gets back: what stands on the host instead of a secret is told by its hash.
 */
export function hashDrift(inputs: Values, live: Values): Values {
  const paths = (inputs["secretPaths"] as readonly string[] | undefined) ?? [];
  return paths.reduce<Values>(
    (hashed, path) => replaceAt(hashed, inputs, pathParts(path)) as Values,
    live,
  );
}

function replaceAt(live: unknown, given: unknown, [part, ...rest]: readonly string[]): unknown {
  if (part === undefined) return equal(live, given) ? live : hashed(live);
  if (Array.isArray(live))
    return live.map((item: unknown, index) =>
      String(index) === part ? replaceAt(item, valueIn(given, part), rest) : item,
    );
  if (typeof live !== "object" || live === null || !(part in live)) return live;
  const own = (live as Values)[part];
  return { ...live, [part]: replaceAt(own, valueIn(given, part), rest) };
}

/** In the shape that it has: whoever reads the state goes on finding lists where lists were. */
function hashed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hashed);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hashed(item)]));
  if (value === null || typeof value === "boolean") return value;
  const digest = createHash("sha256")
    .update(typeof value === "string" ? value : JSON.stringify(value))
    .digest("hex");
  return `[another value, sha256 ${digest.slice(0, 12)}]`;
}

function secretsIn(values: Values): string[] {
  const paths = (values["secretPaths"] as readonly string[] | undefined) ?? [];
  const connection = values["connection"];
  const credentials = ["connection", "connection.proxy"].flatMap((at) =>
    CREDENTIALS.map((name) => `${at}.${name}`),
  );
  const given = connection === undefined ? paths : [...paths, ...credentials];
  return given.flatMap((path) => leaves(valueAt(values, path))).flatMap(spellings);
}

/** A secret as it may stand in a text: as it is, without the blanks around it, line by line, and as we print it. */
function spellings(secret: string): string[] {
  const lines = secret.split("\n").filter((line) => line.trim().length >= 8);
  const all = [secret, secret.trim(), readable(Buffer.from(secret).toString("latin1")), ...lines];
  return all.filter((one) => one.trim() !== "");
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}
