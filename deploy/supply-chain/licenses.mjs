// `npm run licenses [-- <folder of a package.json>]`: whether every production dependency has a licence that the project, under MIT, may be shipped with. Lists each one that has not, and ends with 1.
import { promisify } from 'node:util';
import { init } from 'license-checker-rseidelsohn';

/** SPDX ids that ask for no more than that their text and the names of the authors are kept. */
const ALLOWED = new Set(['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT', 'Python-2.0', 'Unlicense']);

/** Packages whose package.json names no licence, by exact version, and the one that was found when somebody read them. */
const READ = { 'pause@0.0.1': 'MIT' };

/** "A", "A OR B", "A AND B", with parentheses around the whole; whatever is more than that is to be looked at. */
const allowed = (expression) =>
  expression.replace(/^\((.*)\)$/, '$1').split(' OR ').some((choice) => choice.split(' AND ').every((id) => ALLOWED.has(id)));

const packages = await promisify(init)({ start: process.argv[2] ?? process.cwd(), production: true, excludePrivatePackages: true });
const found = Object.entries(packages).map(([name, { licenses }]) => ({ name, licences: [READ[name] ?? licenses].flat() }));
const refused = found.filter(({ licences }) => !licences.every(allowed));
if (refused.length > 0) {
  console.error(`licenses: ${refused.length} of ${found.length} production dependencies need a look:`);
  for (const { name, licences } of refused) console.error(`  ${name}: ${licences.join(', ')}`);
  console.error('Take another package, or, once its terms have been read, add the licence (or the package) to deploy/supply-chain/licenses.mjs.');
  process.exitCode = 1;
} else {
  const used = new Set(found.flatMap(({ licences }) => licences));
  console.log(`licenses: ${found.length} production dependencies, all under ${[...used].sort().join(', ')}`);
}
