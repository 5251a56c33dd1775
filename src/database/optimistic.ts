/** Another writer changed the row between our reading it and our writing it. */
export class OvertakenError extends Error {}

const MAX_TRIES = 5;

/**
 * Reads, decides and writes, and starts anew when another writer was faster.
 * @param attempt throws {@link OvertakenError} when its conditional write met no row
 * @throws {OvertakenError} when it was overtaken five times
 */
export async function untilNotOvertaken<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof OvertakenError) || tries === MAX_TRIES) throw error;
    }
  }
}
