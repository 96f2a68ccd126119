/** Values of parameters: the names they refer to, what they expand to, and the words of lists (postconf(5)). */

/** A name that a value refers to, as `$name`, `${name}` or `$(name)`. */
interface Reference {
  readonly name: string;
  /** `${name?…}` and `${name:…}` ask whether it is set, so that it need not be. */
  readonly conditional: boolean;
}

/** The text from an opening bracket at `from` to the one that closes it, without the two; to the end if none does. */
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

/** A value in its parts, as Postfix's mac_expand(3) takes it apart; `$$` is a dollar sign. */
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

/** All names that a value refers to, those inside conditional parts included. */
export function references(value: string): Reference[] {
  return partsOf(value).flatMap((part) => {
    if (part.part === "text") return [];
    const own = part.name === "" ? [] : [{ name: part.name, conditional: part.rest !== "" }];
    return [...own, ...references(part.rest)];
  });
}

/** A text in `{…}` without the braces, or as it is. */
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

/** Compatibility levels and numbers, part by part: 3.10 is more than 3.9. */
function compare(left: string, right: string): number {
  const [one, other] = [left, right].map((text) => text.trim().split(".").map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (one?.[index] ?? 0) - (other?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `{left} operator {right}`, from Postfix 3.0 on. */
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

/** What a value comes to when every name is replaced by what `lookup` gives for it; unset names are empty. */
export function expand(
  value: string,
  lookup: (name: string) => string | undefined,
  depth = 0,
): string {
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

/** The words of a list, which blanks and commas part; `{…}` is one word (from Postfix 3.0 on). */
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
