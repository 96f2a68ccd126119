import type { Bytes } from "./bytes";
import { parsedUnits } from "./rcParsed";
import { sourcedUnits } from "./rcSourced";
import type { RcNames, RcSyntax, RcUnit } from "./rcUnits";
import { remembered, startsOf } from "./units";

/** A value, or text that only a shell could evaluate; undefined when the default of rc.conf is in force. */
export type RcValue = Bytes | { readonly unreadable: Bytes } | undefined;

type Reader = (text: Bytes) => readonly RcUnit[];

const sourced: Reader = remembered(sourcedUnits);
const parsed = new WeakMap<RcNames, Reader>();

function readerOf(syntax: RcSyntax): Reader {
  if (syntax === "sourced") return sourced;
  const known = parsed.get(syntax);
  if (known !== undefined) return known;
  const reader = remembered((text) => parsedUnits(text, syntax));
  parsed.set(syntax, reader);
  return reader;
}

/** The units of rc.conf.local. */
export function unitsOf(text: Bytes, syntax: RcSyntax): readonly RcUnit[] {
  return readerOf(syntax)(text);
}

/** The key of a variable; rc.subr(8) folds names to lower case. */
export const keyOf = (name: string, syntax: RcSyntax): string =>
  syntax === "sourced" ? name : name.toLowerCase();

/** Whether a unit that is no entry may assign the variable. */
export function mayAssign(unit: RcUnit, name: string): boolean {
  if (unit.opaque === "anything") return true;
  if (unit.opaque === "no") return unit.assigns.some((one) => one.name === name);
  // ${name:=…} assigns as well, and $name does not.
  const assigning = new RegExp(`(?<![$\\w]|\\$\\{)${name}(?!\\w)|\\$\\{${name}:?=`);
  return assigning.test(unit.code ?? unit.raw);
}

type Known = ReadonlyMap<string, Bytes | { readonly unreadable: Bytes }>;

function valueOf(parts: RcUnit["assigns"][number]["parts"], known: Known): RcValue {
  const texts = parts.map((part) => {
    if ("literal" in part) return part.literal;
    return "variable" in part ? known.get(part.variable) : undefined;
  });
  if (texts.every((text) => typeof text === "string")) return texts.join("");
  const [only, ...more] = texts.filter((text) => text !== "");
  if (only !== undefined && more.length === 0) return only;
  const shown = parts.map((part) => {
    if ("literal" in part) return part.literal;
    return "variable" in part ? `\${${part.variable}}` : part.dynamic;
  });
  return { unreadable: shown.join("") };
}

/** The value in force; see `get` in rcVariables.ts. */
export function read(units: readonly RcUnit[], name: string, inherited?: Bytes): RcValue {
  const known = new Map<string, Bytes | { readonly unreadable: Bytes }>();
  if (inherited !== undefined) known.set(name, inherited);
  let assigned = false;
  for (const unit of units) {
    for (const one of unit.assigns) {
      const value = valueOf(one.parts, known);
      if (value !== undefined) known.set(one.name, value);
      assigned ||= one.name === name;
    }
    if (unit.opaque === "no") continue;
    for (const other of [...known.keys(), name].filter((one) => mayAssign(unit, one))) {
      known.set(other, { unreadable: unit.raw.trim() });
      assigned ||= other === name;
    }
  }
  return assigned ? known.get(name) : undefined;
}

/** The index of the entry in force; undefined without one, or when a later unit may assign the variable. */
export function editable(units: readonly RcUnit[], key: string): number | undefined {
  const last = startsOf(units, key).at(-1);
  const after = units.slice((last ?? -1) + 1);
  return after.some((unit) => unit.key === undefined && mayAssign(unit, key)) ? undefined : last;
}
