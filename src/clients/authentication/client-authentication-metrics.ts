import { Injectable } from '@nestjs/common';
import type { Counter } from '../../common/metrics/counter.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { TOKEN_ENDPOINT_AUTH_METHODS, type TokenEndpointAuthMethod } from '../client-metadata.js';
import type { AuthenticationResult, Refusal } from './client-credentials.js';

const SUCCESS = 'success';
const OUTCOME_OF: Readonly<Record<Refusal, string>> = {
  'unknown client': 'unknown_client',
  'disabled client': 'disabled_client',
  'method not registered': 'method_not_registered',
  'wrong secret': 'wrong_secret',
  'expired secret': 'expired_secret',
};

/** Counts how clients authenticate, with the real reason of a refusal, which its answer does not tell. */
@Injectable()
export class ClientAuthenticationMetrics {
  private readonly attempts: Counter<{ method: typeof TOKEN_ENDPOINT_AUTH_METHODS; outcome: readonly string[] }>;

  constructor(metrics: Metrics) {
    this.attempts = metrics.counter({
      name: 'client_authentications_total',
      help: 'Attempts of clients to authenticate, at every endpoint where they do, with the real reason of a refusal.',
      labels: { method: TOKEN_ENDPOINT_AUTH_METHODS, outcome: [SUCCESS, ...Object.values(OUTCOME_OF)] },
    });
  }

  count(method: TokenEndpointAuthMethod, result: AuthenticationResult): void {
    this.attempts.inc({ method, outcome: 'refusal' in result ? OUTCOME_OF[result.refusal] : SUCCESS });
  }
}
