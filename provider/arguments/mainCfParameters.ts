/** What parameters of main.cf an editor knows, each with the kind of its value. */
import type { KNOWN_PARAMETERS, ParameterKind } from "../postfix/knownParameters";

/** A value that refers to others, expanded by Postfix: `$mydomain`, `${stress?{1}:{10}}`. */
type Reference = `${string}$${string}`;

type Unit = "" | "s" | "m" | "h" | "d" | "w";

/** What can be said for a parameter of each kind. Booleans are written as `yes` and `no`. */
interface Values {
  readonly boolean: boolean | "yes" | "no" | Reference;
  readonly number: number | `${number}` | Reference;
  readonly time: number | `${number}${Unit}` | Reference;
  readonly text: string;
}

type Known = typeof KNOWN_PARAMETERS;

/**
 * Parameters of main.cf by name. The known ones are those of Postfix up to 3.10, and take what Postfix reads them as;
 * whether the host's own Postfix has a name is judged in the preview.
 */
export type MainCfParameters = {
  readonly [Name in keyof Known]?: Values[Known[Name] & ParameterKind] | null;
} & {
  /** Others: of a service or a table, a restriction class, what another value refers to, or `userDefined`. */
  readonly [other: string]: string | number | boolean | null | undefined;
};
