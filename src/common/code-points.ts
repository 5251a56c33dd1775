/**
 * Whether a text has at most so many code points, which is how the columns of the database count.
 * A text of many megabytes costs nothing: its length tells.
 */
export function hasAtMostCodePoints(text: string, max: number): boolean {
  if (text.length <= max) return true;
  return text.length <= 2 * max && Array.from(text).length <= max;
}
