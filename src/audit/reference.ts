import { AUDIT_EVENT_TYPES, AUDIT_EVENTS } from './audit-event-types.js';

/** The text of `docs/reference/audit-events.md`. */
export function auditEventsReference(): string {
  const rows = AUDIT_EVENT_TYPES.map((type) => {
    const [kind, result, meaning] = AUDIT_EVENTS[type];
    return `| \`${type}\` | ${result} | ${kind} | ${meaning} |`;
  });
  return [
    '# Audit events',
    '',
    'Every type of event in the audit log. How to read, export and keep it: [the audit log](../operations/audit.md).',
    '',
    'A **change** is written in the transaction of what it tells of: neither is there without the other, and each is an event of its own. An **observation** is written behind, within a few seconds (`LAST_USED_FLUSH_SECONDS`); equal ones of a minute become one event with a `count`. Names after a meaning are members of `detail`. `added` and `removed` hold lists of values by the name of the member that they were added to or removed from; those that would make an event longer than 30 kB are counted in `unlisted`.',
    '',
    '| type | result | written as | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'This page is generated from `src/audit/audit-event-types.ts` by `npm run docs:generate`.',
    '',
  ].join('\n');
}
