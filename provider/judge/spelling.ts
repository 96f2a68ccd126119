/** Which of the known words somebody may have meant. */

/** Edits between two words: a letter put in, left out, changed, or swapped with its neighbour counts one. */
function distance(left: string, right: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let least = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 &&
        column > 1 &&
        left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1];
      if (swapped) least = Math.min(least, (older[column - 2] ?? 0) + 1);
      current.push(least);
    }
    older = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** The known word nearest to `word`, unless none is near: a third of its letters may differ, and at most four. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/-/g, "_");
  const most = Math.min(4, Math.max(1, Math.floor(word.length / 3)));
  let found: string | undefined;
  let least = most + 1;
  for (const one of known) {
    if (Math.abs(one.length - word.length) >= least) continue;
    const edits = distance(plain(word), plain(one));
    if (edits < least && one !== word) [found, least] = [one, edits];
  }
  return found;
}

/** ": did you mean …?" where a known word is near, else nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `: did you mean ${meant}?`;
}

/** Edits up to which a word is a misspelt one rather than another that is missing. */
const SLIP = 2;

/** Is a word no other than a slip of one of these? */
export function isSlip(word: string, known: Iterable<string>): boolean {
  const meant = nearest(word, known);
  return meant !== undefined && distance(word, meant) <= SLIP;
}
