/** Values of parameters: the names that they refer to, their expansion, and the words of lists (postconf(5)). */

/** The value of a parameter by its name; `undefined` for one that has no value. */
export type Lookup = (name: string) => string | undefined;

/** A name that a value refers to, as `$name`, `${name}` or `$(name)`. */
interface Reference {
  readonly name: string;
  /** The value only asks whether the name is set, with `${name?…}` or `${name:…}`: an unset name is no mistake there. */
  readonly conditional: boolean;
}

/** The text between the bracket at `from` and the one that closes it; to the end of the text if none does. */
function bracketed(text: string, from: number): { inner: string; end: number } {
  const open = text[from] ?? "";
  const close = open === "(" ? ")" : "}";
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === open) depth += 1;
    if (text[at] === close) depth -= 1;
    if (depth === 0) return { inner: text.slice(from + 1, at), end: at + 1 };
  }
  return { inner: text.slice(from + 1), end: text.length };
}

type Part =
  | { readonly part: "text"; readonly text: string }
  | { readonly part: "name"; readonly name: string; readonly rest: string };

/** Takes a value apart as Postfix's mac_expand(3) does; `$$` is a dollar sign. */
function partsOf(value: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < value.length) {
    const dollar = value.indexOf("$", at);
    if (dollar < 0) break;
    if (dollar > at) parts.push({ part: "text", text: value.slice(at, dollar) });
    const next = value[dollar + 1] ?? "";
    if (next === "$") {
      parts.push({ part: "text", text: "$" });
      at = dollar + 2;
    } else if (next === "{" || next === "(") {
      const { inner, end } = bracketed(value, dollar + 1);
      const [, name = "", rest = ""] = /^\s*([A-Za-z0-9_.]*)\s*([^]*)$/.exec(inner) ?? [];
      parts.push({ part: "name", name, rest });
      at = end;
    } else {
      const name = /^[A-Za-z0-9_]+/.exec(value.slice(dollar + 1))?.[0] ?? "";
      if (name === "") parts.push({ part: "text", text: "$" });
      else parts.push({ part: "name", name, rest: "" });
      at = dollar + 1 + name.length;
    }
  }
  if (at < value.length) parts.push({ part: "text", text: value.slice(at) });
  return parts;
}

/** All names that a value refers to, including those inside conditional parts. */
export function references(value: string): Reference[] {
  return partsOf(value).flatMap((part) => {
    if (part.part === "text") return [];
    const own = part.name === "" ? [] : [{ name: part.name, conditional: part.rest !== "" }];
    return [...own, ...references(part.rest)];
  });
}

/** A text without the braces around it, if there are any. */
export function unbraced(text: string): string {
  const trimmed = text.trim();
  return trimmed.startsWith("{") ? bracketed(trimmed, 0).inner : text;
}

/** The two branches of `? {yes} : {no}`, `?yes` and `:no`. */
function branches(rest: string): { yes: string; no: string } {
  const text = rest.trim();
  if (text.startsWith(":")) return { yes: "", no: unbraced(text.slice(1)) };
  const after = text.slice(1).trim();
  if (!after.startsWith("{")) return { yes: text.slice(1), no: "" };
  const { inner, end } = bracketed(after, 0);
  const other = after.slice(end).trim();
  return { yes: inner, no: other.startsWith(":") ? unbraced(other.slice(1)) : "" };
}

/** Compares compatibility levels and numbers part by part: 3.10 is more than 3.9. */
function compare(left: string, right: string): number {
  const [one, other] = [left, right].map((text) => text.trim().split(".").map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (one?.[index] ?? 0) - (other?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Is `{left} operator {right}` true? Postfix has such comparisons from 3.0 on. */
function holds(left: string, operator: string, right: string): boolean {
  const order = /level/.test(operator) || /^[\d.\s]+$/.test(left + right);
  const difference = order ? compare(left, right) : left < right ? -1 : left > right ? 1 : 0;
  switch (operator.replace("level", "")) {
    case "==":
      return difference === 0;
    case "!=":
      return difference !== 0;
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    case ">":
      return difference > 0;
    default:
      return difference >= 0;
  }
}

/** The value with every name replaced by the value that `lookup` has for it; a name without a value becomes empty. */
export function expand(value: string, lookup: Lookup, depth = 0): string {
  if (depth > 20) return value;
  const inner = (text: string): string => expand(text, lookup, depth + 1);
  return partsOf(value)
    .map((part) => {
      if (part.part === "text") return part.text;
      if (part.name !== "") {
        const found = lookup(part.name);
        if (part.rest === "") return inner(found ?? "");
        const { yes, no } = branches(part.rest);
        return inner(found !== undefined && found !== "" ? yes : no);
      }
      const left = bracketed(part.rest, 0);
      const [, operator = "", rest = ""] =
        /^\s*([<>=!]+(?:level)?)\s*([^]*)$/.exec(part.rest.slice(left.end)) ?? [];
      if (operator === "" || !rest.startsWith("{")) return "";
      const right = bracketed(rest, 0);
      const { yes, no } = branches(rest.slice(right.end));
      return inner(holds(inner(left.inner), operator, inner(right.inner)) ? yes : no);
    })
    .join("");
}

/** The words of a list, separated by blanks and commas; `{…}` is part of one word (from Postfix 3.0 on). */
export function words(value: string): string[] {
  const found: string[] = [];
  let word = "";
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at] ?? "";
    if (character === "{") {
      const { end } = bracketed(value, at);
      word += value.slice(at, end);
      at = end - 1;
    } else if (/[\s,]/.test(character)) {
      if (word !== "") found.push(word);
      word = "";
    } else word += character;
  }
  if (word !== "") found.push(word);
  return found;
}
