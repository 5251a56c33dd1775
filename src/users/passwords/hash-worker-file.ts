import { join } from 'node:path';

/** What a thread of the hashing pool loads: a path, for a thread starts from a file of its own. */
export const HASH_WORKER_FILE = join(__dirname, 'hash-worker.js');
