import { mkdirSync, writeFileSync } from 'node:fs';
import { auditEventsReference } from '../audit/reference.js';

mkdirSync('docs/reference', { recursive: true });
writeFileSync('docs/reference/audit-events.md', auditEventsReference());
