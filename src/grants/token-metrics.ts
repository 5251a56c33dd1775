import { Injectable } from '@nestjs/common';
import { ACCESS_TOKEN_FORMATS, GRANT_TYPES } from '../clients/client-metadata.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import type { GrantedAccess } from '../tokens/granted-access.js';

const SUCCESS = 'success';
/** RFC 6749 §5.2, RFC 8707 §2, and what the server could not or would not do. */
const OUTCOMES = [SUCCESS, 'invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope', 'invalid_target', 'rate_limited', 'temporarily_unavailable', 'server_error'] as const;

/** Counts what is asked of the token endpoint, and the access tokens that leave by whichever endpoint. */
@Injectable()
export class TokenMetrics {
  private readonly requests: Counter<{ grant: typeof GRANT_TYPES; outcome: typeof OUTCOMES }>;
  private readonly issued: Counter<{ grant: typeof GRANT_TYPES; format: typeof ACCESS_TOKEN_FORMATS }>;

  constructor(metrics: Metrics) {
    this.requests = metrics.counter({ name: 'token_requests_total', help: 'Requests to the token endpoint by grant type and outcome: `success`, `rate_limited`, or the error code of the answer.', labels: { grant: GRANT_TYPES, outcome: OUTCOMES } });
    this.issued = metrics.counter({ name: 'tokens_issued_total', help: 'Access tokens that were issued.', labels: { grant: GRANT_TYPES, format: ACCESS_TOKEN_FORMATS } });
  }

  granted(grantType: string): void {
    this.requests.inc({ grant: grantType, outcome: SUCCESS });
  }

  /** @param grantType as the caller wrote it, if it did @param outcome an error code, or `rate_limited` */
  refused(grantType: unknown, outcome: string): void {
    this.requests.inc({ grant: typeof grantType === 'string' ? grantType : '', outcome });
  }

  tokenIssued(grantType: string, { format }: GrantedAccess): void {
    this.issued.inc({ grant: grantType, format });
  }
}
