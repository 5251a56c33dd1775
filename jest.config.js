const { chromiumPath } = require('./test/support/chromium-path.js');
const { missingGateways } = require('./test/support/gateways.js');

module.exports = {
  runtime: '<rootDir>/test/support/compiled-app-runtime.js',
  testEnvironment: '<rootDir>/test/support/one-realm-environment.js',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  // The global setup says so, or fails on CI.
  testPathIgnorePatterns: ['/node_modules/', ...(chromiumPath() ? [] : ['<rootDir>/test/browser/']), ...(missingGateways().length > 0 ? ['<rootDir>/test/gateway/'] : [])],
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.js'],
  testTimeout: 30_000,
  testSequencer: '<rootDir>/test/support/suite-order.js',
  // Many suites wait for servers and deadlines more than they compute.
  maxWorkers: '100%',
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.(t|j|m)s$': ['@swc/jest', {
      swcrc: false,
      jsc: {
        target: 'es2022',
        keepClassNames: true,
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
      module: { type: 'commonjs' },
    }],
  },
};
