/** The parameters of main.cf that an editor can complete, each with the type of its value. */
import type { KNOWN_PARAMETERS, ParameterKind } from "../postfix/knownParameters";

/** A value that refers to others, expanded by Postfix: `$mydomain`, `${stress?{1}:{10}}`. */
type Reference = `${string}$${string}`;

type Unit = "" | "s" | "m" | "h" | "d" | "w";

/** The TypeScript types for the types of parameters in postconf(5). Booleans are written to main.cf as `yes` and `no`. */
interface Values {
  readonly boolean: boolean | "yes" | "no" | Reference;
  readonly number: number | `${number}` | Reference;
  readonly time: number | `${number}${Unit}` | Reference;
  readonly text: string;
}

type Known = typeof KNOWN_PARAMETERS;

/**
 * Parameters of main.cf by name. The known names are those of Postfix up to 3.10, with values of the types that Postfix
 * reads. Whether the host's own Postfix has a name is judged in the preview.
 */
export type MainCfParameters = {
  readonly [Name in keyof Known]?: Values[Known[Name] & ParameterKind] | null;
} & {
  /** Other names: of a service of master.cf or a table, of a restriction class, in other values, or in `userDefined`. */
  readonly [other: string]: string | number | boolean | null | undefined;
};
