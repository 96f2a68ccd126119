/** States of earlier versions, brought into today's shape by pure functions. */
import { type Values, userError } from "./state";

/**
 * Brings a state of one schema into the shape of the next. Inputs of before, which `check` gets, go the same way and do
 * not say from which schema they are: a migration leaves as it is what is in the newer shape already.
 */
export type Migration = (state: Values) => Values;

/** The shape of the state; raised with a migration whenever it changes. */
export const SCHEMA = 1;

/**
 * By the schema that each one starts from. Never changed and never removed once released: a state may come from any
 * version. The recorded stacks in tests/preview/states hold them to that.
 */
const MIGRATIONS: Readonly<Record<number, Migration>> = {};

/** Inputs of before in today's shape: they may be of any schema. */
export function migrateInputs(
  inputs: Values,
  migrations: Readonly<Record<number, Migration>> = MIGRATIONS,
  schema = SCHEMA,
): Values {
  if (Object.keys(inputs).length === 0) return inputs;
  const { schema: _, ...migrated } = migrate({ ...inputs, schema: 1 }, migrations, schema);
  return migrated;
}

/**
 * A state in today's shape. One without a schema is one of a resource that is yet to be made.
 *
 * @throws Error for a state that a newer version wrote
 */
export function migrate(
  state: Values,
  migrations: Readonly<Record<number, Migration>> = MIGRATIONS,
  schema = SCHEMA,
): Values {
  const found = state["schema"] ?? schema;
  if (typeof found !== "number" || found > schema)
    throw userError(
      `this state was written by a newer version of pulumi-openbsd-postfix (schema ${JSON.stringify(found)}, known here: ${schema}). ` +
        "Upgrade the package in this program. Nothing was changed.",
    );
  let current = state;
  for (let from = found; from < schema; from += 1) {
    const migration = migrations[from];
    if (!migration) throw new Error(`there is no migration from schema ${from}`);
    current = { ...migration(current), schema: from + 1 };
  }
  return current;
}
