import { coldstart } from './coldstart.mjs';
import { memory } from './memory.mjs';
import { clientCredentials, introspection } from './throughput.mjs';

/** Each has a title, run(contestants, options) and columns(results). */
export const SCENARIOS = { cc: clientCredentials, introspect: introspection, memory, coldstart };
