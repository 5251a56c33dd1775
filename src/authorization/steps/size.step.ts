import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { StepInput } from './step.js';

/** What a column of text holds is 65535 bytes. */
const MAX_BYTES = 60_000;

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));

/** A request has to be kept: a pushed one as it was sent, one that waits for its user as it was read. JSON can be several times as long as the form that it comes from. */
export function size({ params, request }: StepInput): Record<string, never> {
  if (Math.max(bytesOf(params), bytesOf(request)) > MAX_BYTES) throw invalidRequest('The request is too long.');
  return {};
}
