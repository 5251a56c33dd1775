// What servers of peers find below PACKAGES, since nothing is installed beside them.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = createRequire(join(process.env.PACKAGES, 'package.json'));

export const load = (name) => import(pathToFileURL(packages.resolve(name)).href);
