/** Folders of src, lowest row first: a folder imports from lower rows only, and folders of one row do not know each other. */
const ROWS = [
  ['common'],
  ['config'],
  ['database'],
  ['audit', 'pages'],
  ['rate-limits'],
  ['clients', 'users', 'resources', 'keys'],
  ['tokens', 'sessions', 'consents'],
  ['grants'],
  ['authorization', 'logout'],
  ['admin', 'interaction', 'oidc', 'gateway', 'health', 'metrics'],
];

const within = (folders) => `^src/(${folders.join('|')})/`;

const notUpwards = ROWS.map((row, index) => ({
  name: `not-upwards-from-${row[0]}`,
  comment: 'A folder imports from lower rows only; the top (src/*.ts, src/openapi, ormconfig.ts) is imported by nobody below.',
  severity: 'error',
  from: { path: within(row) },
  to: { path: ['^src/[^/]+$', '^src/(openapi|cli)/', '^ormconfig', ...(index + 1 < ROWS.length ? [within(ROWS.slice(index + 1).flat())] : [])] },
}));

const notSideways = ROWS.filter((row) => row.length > 1).map((row) => ({
  name: `not-sideways-from-${row[0]}`,
  comment: 'Folders of one row do not import each other.',
  severity: 'error',
  from: { path: '^src/([^/]+)/', pathNot: `^src/(?!(${row.join('|')})/)` },
  to: { path: within(row), pathNot: '^src/$1/' },
}));

module.exports = {
  forbidden: [
    ...notUpwards,
    ...notSideways,
    { name: 'every-folder-has-a-row', severity: 'error', from: { path: '^src/[^/]+/', pathNot: [within(ROWS.flat()), '^src/(openapi|cli)/'] }, to: {} },
    { name: 'no-cycles', severity: 'error', from: { path: '^(src|ormconfig)' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'no-unresolved', severity: 'error', from: { path: '^(src|ormconfig)' }, to: { couldNotResolve: true } },
    { name: 'no-test-code-in-src', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|bench|examples)/' } },
    { name: 'no-development-packages-in-src', severity: 'error', from: { path: '^(src|ormconfig)' }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'type-import'] } },
    { name: 'no-undeclared-packages', severity: 'error', from: { path: '^(src|ormconfig)' }, to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.build.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
