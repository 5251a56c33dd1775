import { Injectable } from '@nestjs/common';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';

/** Counts what the audit log leaves out of the admin API. */
@Injectable()
export class AdminMetrics {
  private readonly withoutToken: Counter<Record<never, never>>;

  constructor(metrics: Metrics) {
    this.withoutToken = metrics.counter({
      name: 'admin_requests_without_token_total',
      help: 'Requests to the admin API without an access token. They are answered 401 and not audited: they come from anybody.',
    });
  }

  countWithoutToken(): void {
    this.withoutToken.inc({});
  }
}
