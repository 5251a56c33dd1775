import type { IncomingMessage, ServerResponse } from 'node:http';
import { Buckets } from '../metrics/histogram.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Sample } from '../metrics/series.js';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const UNROUTED = 'unrouted';
/** What a caller who hangs up before its answer counts as: no answer has it (RFC 9110 §15 begins with 100). */
const ABORTED = 0;

/** Seconds. Tokens are answered in one or two milliseconds; where a password is hashed, and others wait for theirs, it can be ten seconds. */
const LATENCY = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const DURATION = 'http_request_duration_seconds';

interface RouteCounts {
  /** By status, by method. */
  readonly requests: Map<string, Map<number, number>>;
  readonly latency: Buckets;
}

/** Counts and times every request by the template of its route, which is in the code and not in the request. */
export class HttpMetrics {
  private readonly routes = new Map<string, RouteCounts>();
  private inFlight = 0;

  constructor(metrics: Metrics) {
    const route = `template of the route, such as \`/admin/v1/clients/:client_id\`; \`${UNROUTED}\` for what none of them serves`;
    metrics.readCounter(
      { name: 'http_requests_total', help: 'HTTP requests that were answered, or that the caller gave up.', labels: { method: [...METHODS, 'other'], route, status: 'status code; `aborted` when the caller hung up before its answer' } },
      () => this.requests(),
    );
    metrics.readHistogram({ name: DURATION, help: 'Time from the head of a request to the end of its answer.', labels: { route } }, () => this.durations());
    metrics.readGauge({ name: 'http_requests_in_flight', help: 'HTTP requests that are being answered.', across: 'sum' }, () => this.inFlight);
  }

  began(): void {
    this.inFlight++;
  }

  ended(req: IncomingMessage, res: ServerResponse, milliseconds: number): void {
    this.inFlight--;
    const path = (req as { route?: { path?: unknown } }).route?.path;
    const counts = this.countsOf(typeof path === 'string' ? path : UNROUTED);
    const method = METHODS.has(req.method!) ? req.method! : 'other';
    let statuses = counts.requests.get(method);
    if (!statuses) counts.requests.set(method, (statuses = new Map<number, number>()));
    const status = res.writableFinished ? res.statusCode : ABORTED;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    counts.latency.observe(milliseconds / 1000);
  }

  private countsOf(route: string): RouteCounts {
    let counts = this.routes.get(route);
    if (!counts) this.routes.set(route, (counts = { requests: new Map(), latency: new Buckets(LATENCY) }));
    return counts;
  }

  private *requests(): Iterable<Sample> {
    for (const [route, { requests }] of this.routes) {
      for (const [method, statuses] of requests) {
        for (const [status, value] of statuses) yield { labels: { method, route, status: status === ABORTED ? 'aborted' : String(status) }, value };
      }
    }
  }

  private *durations(): Iterable<Sample> {
    for (const [route, { latency }] of this.routes) yield* latency.samples(`mintgate_${DURATION}`, { route });
  }
}
