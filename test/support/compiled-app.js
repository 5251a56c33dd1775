const { readdirSync, statSync } = require('node:fs');
const { join, resolve } = require('node:path');

const ROOT = resolve(__dirname, '../..');

/** The tests run what is in `dist/`: it must be what is in `src/`. */
module.exports.requireFreshBuild = () => {
  for (const name of readdirSync(join(ROOT, 'src'), { recursive: true })) {
    if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue;
    const built = statSync(join(ROOT, 'dist/src', name.replace(/\.ts$/, '.js')), { throwIfNoEntry: false });
    if (!built || built.mtimeMs < statSync(join(ROOT, 'src', name)).mtimeMs) throw new Error(`dist/ is older than src/${name}: npm run build (npm test does)`);
  }
};
