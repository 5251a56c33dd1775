/**
 * Loaded by a process that serves: what it writes to a standard stream directly is lost when the disk is full or nothing reads,
 * and nothing else happens. A stream without a listener for `error` would end the process.
 */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
