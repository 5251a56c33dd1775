import { coldstart } from './coldstart.mjs';
import { memory } from './memory.mjs';
import { password } from './password.mjs';
import { refresh } from './refresh.mjs';
import { clientCredentials, introspection } from './throughput.mjs';

/** Each has a title, run(contestants, options) and columns(results); `mariadb: true` if its contestants need one. */
export const SCENARIOS = { cc: clientCredentials, introspect: introspection, refresh, password, memory, coldstart };
