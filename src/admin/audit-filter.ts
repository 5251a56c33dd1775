import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '../common/openapi/decorators.js';
import { AUDIT_EVENT_TYPES, type AuditResult } from '../audit/audit-event-types.js';
import type { AuditFilter } from '../audit/audit-events.repository.js';
import { invalidInput, pointer } from '../common/http/problem.js';
import { readTime } from './query.js';

/** Query parameters that choose among the events of the audit log. */
export const AUDIT_FILTERS = ['type', 'client_id', 'user_id', 'actor_client_id', 'result', 'request_id', 'address', 'since', 'until'] as const;

type Given = { readonly [name in (typeof AUDIT_FILTERS)[number]]?: string };

/** @throws {Problem} 400 */
export function readAuditFilter(given: Given): AuditFilter {
  const { client_id: clientId, user_id: userId, actor_client_id: actorClientId, request_id: requestId, address } = given;
  const texts = Object.entries({ clientId, userId, actorClientId, requestId, address }).filter(([, value]) => value !== undefined);
  const types = readTypes(given.type);
  const result = readResult(given.result);
  const sinceMs = readTime('since', given.since);
  const untilMs = readTime('until', given.until);
  return {
    ...(Object.fromEntries(texts) as Pick<AuditFilter, 'clientId' | 'userId' | 'actorClientId' | 'requestId' | 'address'>),
    ...(types === undefined ? {} : { types }),
    ...(result === undefined ? {} : { result }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

/** A type, or all of those that begin alike: `client.*`. */
function readTypes(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const types = AUDIT_EVENT_TYPES.filter((type) => (text.endsWith('.*') ? type.startsWith(text.slice(0, -1)) : type === text));
  if (types.length === 0) throw invalidInput([{ pointer: pointer('type'), detail: 'must be a type of event, or all below a name, such as client.*' }]);
  return types;
}

function readResult(text: string | undefined): AuditResult | undefined {
  if (text === undefined || text === 'success' || text === 'failure') return text;
  throw invalidInput([{ pointer: pointer('result'), detail: 'must be success or failure' }]);
}

const time = { type: 'string', format: 'date-time' };

/** Documents {@link AUDIT_FILTERS}. */
export const ApiAuditFilters = () =>
  applyDecorators(
    ApiQuery({ name: 'type', required: false, example: 'client.created', description: 'A type, or all below a name: `client.*`' }),
    ApiQuery({ name: 'client_id', required: false, description: 'The client that acted, or that the event is about' }),
    ApiQuery({ name: 'user_id', required: false, description: 'The user who acted, or whom the event is about' }),
    ApiQuery({ name: 'actor_client_id', required: false, description: 'The client that acted' }),
    ApiQuery({ name: 'result', required: false, schema: { type: 'string', enum: ['success', 'failure'] } }),
    ApiQuery({ name: 'request_id', required: false }),
    ApiQuery({ name: 'address', required: false, description: 'From where, exactly' }),
    ApiQuery({ name: 'since', required: false, schema: time, description: 'Then or later' }),
    ApiQuery({ name: 'until', required: false, schema: time, description: 'Earlier than that' }),
  );
