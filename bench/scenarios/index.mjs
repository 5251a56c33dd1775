import { coldstart } from './coldstart.mjs';
import { memory } from './memory.mjs';
import { mixed } from './mixed.mjs';
import { password } from './password.mjs';
import { refresh } from './refresh.mjs';
import * as throughput from './throughput.mjs';
import { workers } from './workers.mjs';

/**
 * Each has a title, the format of access tokens (ES256, RS256, opaque), the database that Mintgate has unless told otherwise (SQLite if it says nothing),
 * run(entries, options), columns(results) and estimate(contestants, options), in seconds.
 */
export const SCENARIOS = {
  cc: throughput.clientCredentials,
  'cc-rs256': throughput.clientCredentialsRs256,
  'cc-opaque': throughput.clientCredentialsOpaque,
  'cc-reuse': throughput.clientCredentialsReuse,
  introspect: throughput.introspection,
  'forward-auth': throughput.forwardAuth,
  refresh,
  password,
  mixed,
  memory,
  coldstart,
  workers,
};
