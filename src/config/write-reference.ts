import { mkdirSync, writeFileSync } from 'node:fs';
import { configurationReference, environmentExample } from './reference.js';

mkdirSync('docs/reference', { recursive: true });
writeFileSync('docs/reference/configuration.md', configurationReference());
writeFileSync('.env.example', environmentExample());
