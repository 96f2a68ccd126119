/**
 * How a state keeps `applied`, the inputs of the last apply: by what differs from the state itself, which has the same
 * values under the same names until somebody changes the host. That is under a name that the engine shows to nobody: it
 * comes with drift, of which it says nothing new.
 */
import { type AnyArguments, argumentNames } from "../arguments/schema";
import { equal } from "../values/json";
import { COMMON, type Values } from "./state";

/** The field of the differences; also in components/hostResource.ts, because it may hold secrets. */
const DIFFERENCES = "__applied";

/** In a state whose `applied` is not all that the state has under the names of inputs. Every field may be missing. */
interface Differences {
  /** Inputs with other values than the state has. */
  readonly except?: Values;
  /** Names of inputs that were not given, although the state has a value. */
  readonly without?: readonly string[];
  /** Names of what the provider has added to the inputs. */
  readonly also?: readonly string[];
}

/** The first schema whose states may have no `applied`. */
const FIRST = 2;

function namesOf(schema: AnyArguments): readonly string[] {
  return [...COMMON, ...argumentNames(schema)];
}

/** A state for the engine to keep. */
export function packApplied(state: Values, schema: AnyArguments): Values {
  const { applied, ...rest } = state as Values & { readonly applied?: Values };
  if (applied === undefined) return state;
  const names = namesOf(schema);
  const except = Object.entries(applied).filter(([name, value]) => !equal(state[name], value));
  const missing = names.filter((name) => state[name] !== undefined && applied[name] === undefined);
  const also = Object.keys(applied).filter((name) => !names.includes(name));
  const differences: Differences = {
    ...(except.length > 0 ? { except: Object.fromEntries(except) } : {}),
    ...(missing.length > 0 ? { without: missing } : {}),
    ...(also.length > 0 ? { also } : {}),
  };
  return Object.keys(differences).length === 0 ? rest : { ...rest, [DIFFERENCES]: differences };
}

/** A state as {@link packApplied} got it. One of an earlier version has all of it. */
export function openApplied(state: Values, schema: AnyArguments): Values {
  if (state["applied"] !== undefined || Number(state["schema"] ?? 0) < FIRST) return state;
  const { [DIFFERENCES]: kept, ...values } = state;
  const { except = {}, without = [], also = [] } = (kept ?? {}) as Differences;
  const names = [...namesOf(schema), ...also].filter(
    (name) => values[name] !== undefined && !without.includes(name),
  );
  const applied = { ...Object.fromEntries(names.map((name) => [name, values[name]])), ...except };
  return { ...values, applied };
}
