import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';

/**
 * All that leaves of a span's attributes. What the instrumentations know beyond that (paths and queries, addresses and user agents of callers, headers) may hold what a caller put in the
 * wrong place, or tells of a person.
 */
const KEPT: ReadonlySet<string> = new Set([
  'error.type',
  'http.request.method', 'http.response.status_code', 'http.route', 'url.scheme', 'network.protocol.version', 'server.address', 'server.port',
  'db.system.name', 'db.namespace', 'db.query.text',
]);
const OURS = 'mintgate.';
/** Of an incoming request: its Host header. Of an outgoing one: where it went. */
const NAMED_BY_THE_CALLER = ['server.address', 'server.port'];

/** The span without the rest, and without what errors said: messages and stacks can repeat values. */
export function redacted(span: ReadableSpan): ReadableSpan {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(span.attributes)) if (KEPT.has(name) || name.startsWith(OURS)) attributes[name] = value;
  if (span.kind === SpanKind.SERVER) for (const name of NAMED_BY_THE_CALLER) delete attributes[name];
  return Object.create(span, {
    attributes: { value: attributes },
    events: { value: [] },
    links: { value: [] },
    status: { value: { code: span.status.code } },
  }) as ReadableSpan;
}

/** A statement with its placeholders; what was written into it is a placeholder too. */
export const redactedSql = (sql: string): string => sql.replace(/(["'])(?:\\.|(?!\1).)*\1/gs, '?').replace(/\b\d+\b/g, '?');
