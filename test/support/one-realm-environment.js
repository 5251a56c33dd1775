const { setImmediate } = require('node:timers');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { ModuleMocker } = require('jest-mock');

const { exit } = process;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** The realm of the process itself, so that a test and the application that it runs have one `Error` and one `Reflect`: see compiled-app-runtime.js. */
module.exports = class OneRealmEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;
  fakeTimersModern = null;

  async setup() {}
  /**
   * Jest counts on it that a realm ends with its suite. What it leaves in one that stays would keep every suite with all its servers in memory, and would tell each event of a suite
   * to those that were before it, too: in a run of a hundred suites that is gigabytes, and much of the processor time.
   */
  async teardown() {
    process.exit = exit;
    delete globalThis[Symbol.for('EVENT_HANDLERS')];
    for (const key of Object.getOwnPropertySymbols(globalThis)) if (key.description === 'JEST_STATE_SYMBOL') delete globalThis[key];
    // An SQLite file stays open until the last statement that was prepared on it is collected, and a worker that has hundreds to close at its end is longer about it than Jest waits.
    setImmediate(collectGarbage);
  }
  exportConditions() {
    return ['node', 'node-addons'];
  }
  /** Nothing runs in it, but Jest demands one. */
  getVmContext() {
    return globalThis;
  }
};
