/** Misspelt words: which of the known words was meant. */

/** The number of edits between two words; an edit adds, drops or changes a letter, or swaps two neighbours. */
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

/** The known word nearest to `word`, if one is near: up to a third of its letters may differ, but no more than four. */
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

/** The end of a message: ": did you mean …?" if a known word is near, else nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `: did you mean ${meant}?`;
}

/** The most edits by which a word still counts as a misspelt known word, and not as another word. */
const SLIP = 2;

/** Is this word a misspelt known word? */
export function isSlip(word: string, known: Iterable<string>): boolean {
  const meant = nearest(word, known);
  return meant !== undefined && distance(word, meant) <= SLIP;
}
