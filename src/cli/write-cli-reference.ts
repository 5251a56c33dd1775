import { writeFileSync } from 'node:fs';
import { cliReference } from './reference.js';

writeFileSync('docs/reference/cli.md', cliReference());
