/**
 * Whether a request has a header more than once, of which Node keeps the first and drops the others in silence (`Authorization`, `Host`).
 * @param rawHeaders names and values in turns, as they were sent
 * @param name in lower case
 */
export function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i].length === name.length && rawHeaders[i].toLowerCase() === name) count++;
  return count > 1;
}
