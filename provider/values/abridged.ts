/** Lists that are too long to be read: their first lines, how many more there are, and where these stand. */

/** The number of lines that are shown of a long list. */
export const SHOWN = 20;

/**
 * The lines, or of a long list the first {@link SHOWN} and one that stands for the others.
 *
 * @param rest the line that stands for so many others, which says where they are
 */
export function abridged<T>(
  lines: readonly T[],
  rest: (count: number, lines: readonly T[]) => T,
): readonly T[] {
  if (lines.length <= SHOWN + 1) return lines;
  return [...lines.slice(0, SHOWN), rest(lines.length - SHOWN, lines.slice(SHOWN))];
}
