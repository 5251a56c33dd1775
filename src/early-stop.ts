/**
 * Loaded before everything else. For the first process of a container signals have no default action: one that came before the server, or what runs its workers,
 * listens for it would be lost, and the container waited for until it is killed. They take this listener away, after they have set their own: without any, a signal that is on its way is dropped.
 */
export const stopAtOnce = (): void => process.exit(0);

if (process.pid === 1) process.on('SIGTERM', stopAtOnce);
