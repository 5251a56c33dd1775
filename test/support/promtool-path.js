const { existsSync } = require('node:fs');
const { delimiter, join } = require('node:path');

/** Prometheus' own checker, which Debian has in the package `prometheus`; `undefined` when it is not on the PATH. */
const promtoolPath = () => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'promtool')).find((file) => existsSync(file));

module.exports = { promtoolPath };
