/** When the project that makes Node.js stops mending a release line (https://github.com/nodejs/release). */
const ENDS_OF_LIFE: Readonly<Record<number, string>> = {
  20: '2026-04-30',
  21: '2024-06-01',
  22: '2027-04-30',
  23: '2025-06-01',
  24: '2028-04-30',
  25: '2026-06-01',
  26: '2029-04-30',
};

/** Returns the day on which the release line of a version ended, or `undefined` if it is still mended, or not known. */
export function endedOn(version: string, nowMs: number): string | undefined {
  const day = ENDS_OF_LIFE[Number(version.replace(/^v/, '').split('.')[0])];
  return day !== undefined && nowMs > Date.parse(day) ? day : undefined;
}
