const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * The suites that take longest, from the longest on: one that begins last keeps one core busy while the others have nothing left. Jest itself knows only what it has run before, and on CI
 * that is nothing. Faults, which keep deadlines, come when those that start many processes at once are through.
 */
const LONGEST = [
  'migrations/migrations', 'integration/refresh-crashes', 'integration/start', 'gateway/gateways-jwt', 'integration/faults', 'e2e/password/guessing', 'configuration/wrong-start', 'integration/refresh-races',
  'integration/races', 'integration/tracing', 'gateway/gateways-forward-auth', 'e2e/admin/audit-trail', 'cli/command-line', 'integration/rate-limits-shared', 'e2e/refresh/refresh-token.rfc6749',
  'integration/authorization-code-races', 'deploy/supply-chain', 'e2e/admin/bootstrap', 'e2e/keys/emergency', 'e2e/keys/rotation', 'cli/doctor', 'integration/cleanup', 'integration/hash-flood',
];
/** Chromium takes all the cores that there are, and suites beside it that keep deadlines would miss them. */
const LAST = ['browser/pages', 'browser/clients', 'browser/another-origin.csp3'];

function placeOf({ path }) {
  const is = (name) => path.endsWith(`/test/${name}.spec.ts`);
  if (path.includes('/test/browser/')) return LONGEST.length + 2 + LAST.findIndex(is);
  const place = LONGEST.findIndex(is);
  return place < 0 ? LONGEST.length : place;
}

/** In an order that keeps every core busy to the end. */
module.exports = class SuiteOrder extends Sequencer {
  async sort(tests) {
    return (await super.sort(tests)).sort((one, other) => placeOf(one) - placeOf(other));
  }
};
