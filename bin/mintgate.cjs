#!/usr/bin/env node
'use strict';
// A clone has no dist/: the first command builds it, so that `npm ci` is all that the command needs. What is deployed brings its own.
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const command = join(root, 'dist/src/cli/mintgate.js');

if (!existsSync(command)) {
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  if (!existsSync(nest)) {
    process.stderr.write('mintgate: dist/ is missing, and so are the packages that would build it (npm ci, then npm run build)\n');
    process.exit(1);
  }
  process.stderr.write('mintgate: there is no dist/ yet; building it\n');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
}
require(command);
