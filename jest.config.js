const { chromiumPath } = require('./test/support/chromium-path.js');

// Nest 12 and some of its helpers are published as ES modules only; swc turns them into CommonJS for Jest.
const esm = ['@nestjs', '@badgateway', 'jose', 'openid-client', 'oauth4webapi', 'file-type', 'strtok3', 'token-types', 'uint8array-extras', '@tokenizer', '@borewit', 'load-esm', '@file-type'];

module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  // The global setup says so, or fails on CI.
  testPathIgnorePatterns: chromiumPath() ? ['/node_modules/'] : ['/node_modules/', '<rootDir>/test/browser/'],
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.js'],
  testTimeout: 30_000,
  testSequencer: '<rootDir>/test/support/browser-suites-last.js',
  // Many suites wait for servers and deadlines more than they compute.
  maxWorkers: '100%',
  moduleNameMapper: {
    // A worker thread loads files by itself, outside Jest, and knows no TypeScript: it is given the compiled one.
    '/hash-worker-file(\\.js)?$': '<rootDir>/test/support/hash-worker-file.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
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
  transformIgnorePatterns: [`node_modules/(?!(${esm.join('|')})/)`],
};
