/** The server ends the process itself. */
export async function start(): Promise<never> {
  await import('../../main.js');
  return new Promise<never>(() => undefined);
}
