import { once } from 'node:events';
import { SingleBar } from 'cli-progress';
import { auditEventResponse, type AuditEventResponse } from '../../admin/audit-event.response.js';
import { readAuditFilter } from '../../admin/audit-filter.js';
import { readInteger } from '../../admin/query.js';
import { AuditEventsRepository } from '../../audit/audit-events.repository.js';
import { AuditExport } from '../../audit/audit-export.js';
import { AuditLog } from '../../audit/audit-log.js';
import { PageCursors } from '../../common/http/page-cursor.js';
import { type Column, printPage } from '../output.js';
import { withServices } from '../services.js';

type Filters = Partial<Record<'type' | 'clientId' | 'userId' | 'actorClientId' | 'result' | 'requestId' | 'address' | 'since' | 'until', string>>;

const COLUMNS: readonly Column<AuditEventResponse>[] = [
  ['time', ({ occurred_at: at }) => at],
  ['type', ({ type }) => type],
  ['result', ({ result }) => result],
  ['count', ({ count }) => count],
  ['actor', ({ actor }) => actor.operator ?? actor.user_id ?? actor.client_id ?? 'the server'],
  ['from', ({ actor }) => actor.address],
  ['client', ({ client_id: id }) => id],
  ['user', ({ user_id: id }) => id],
  ['detail', ({ detail }) => (Object.keys(detail).length === 0 ? null : detail)],
];

export async function list({ json, limit, cursor, ...filters }: Filters & { json?: boolean; limit?: string; cursor?: string }): Promise<void> {
  const filter = readAuditFilter(queryOf(filters));
  await withServices(async ({ get }) => {
    const query = ['audit-events', filter];
    const cursors = get(PageCursors);
    const page = cursors.read(query, limit, cursor);
    printPage(cursors.page(query, page, await get(AuditEventsRepository).list(filter, page), auditEventResponse), COLUMNS, json);
  });
}

export async function exportLines({ after, ...filters }: Filters & { after?: string }): Promise<void> {
  const given = queryOf(filters);
  const filter = readAuditFilter(given);
  const first = readInteger('after', after, 0, 999_999_999) ?? 0;
  await withServices(async ({ get, admin }) => {
    const upTo = await get(AuditExport).newest();
    await get(AuditLog).record({ type: 'audit.exported', actor: admin.actor, detail: { filters: Object.keys(given), after: first } });
    // On standard error, and only where somebody watches it who does not see the lines themselves.
    const bar = process.stdout.isTTY ? undefined : new SingleBar({ format: 'Exporting {bar} {percentage} %', stream: process.stderr, hideCursor: true, clearOnComplete: true });
    bar?.start(upTo, first);
    for await (const events of get(AuditExport).read(filter, first, upTo)) {
      if (!process.stdout.write(events.map((event) => `${JSON.stringify(auditEventResponse(event))}\n`).join(''))) await once(process.stdout, 'drain');
      bar?.update(events.at(-1)!.id);
    }
    bar?.stop();
  });
}

const queryOf = ({ type, clientId, userId, actorClientId, result, requestId, address, since, until }: Filters): Record<string, string> =>
  defined({ type, client_id: clientId, user_id: userId, actor_client_id: actorClientId, result, request_id: requestId, address, since, until });

const defined = (given: Readonly<Record<string, string | undefined>>): Record<string, string> => Object.fromEntries(Object.entries(given).filter((each): each is [string, string] => each[1] !== undefined));
