const { ModuleMocker } = require('jest-mock');

/** The realm of the process itself, so that a test and the application that it runs have one `Error` and one `Reflect`: see compiled-app-runtime.js. */
module.exports = class OneRealmEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;
  fakeTimersModern = null;

  async setup() {}
  async teardown() {}
  exportConditions() {
    return ['node', 'node-addons'];
  }
  /** Nothing runs in it, but Jest demands one. */
  getVmContext() {
    return globalThis;
  }
};
