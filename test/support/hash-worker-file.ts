import { join } from 'node:path';

export const HASH_WORKER_FILE = join(__dirname, '../../dist/src/users/passwords/hash-worker.js');
