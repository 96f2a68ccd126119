/** States of earlier versions, brought into today's shape by pure functions. */
import { type Values, userError } from "./state";

/**
 * Brings a state of one schema into the shape of the next. It must leave a value as it is that has the newer shape already,
 * because the former inputs that `check` gets are migrated too, and do not tell their schema.
 */
export type Migration = (state: Values) => Values;

/** The shape of the state; raised with a migration whenever it changes. */
export const SCHEMA = 2;

/**
 * The migrations by the schema that each one starts from. A released migration is never changed or removed, because a
 * state may come from any version of the package; the recorded stacks in tests/preview/states test that.
 */
const MIGRATIONS: Readonly<Record<number, Migration>> = {
  // Schema 2 keeps `previous` packed, and both shapes are opened where it is used ({@link keptPrevious}).
  1: (state) => state,
};

/** Former inputs, which may be of any schema, in today's shape. */
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
 * A state in today's shape. A state without a schema belongs to a resource that does not exist yet.
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
