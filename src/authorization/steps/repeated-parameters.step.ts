import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { StepInput } from './step.js';

/** RFC 6749 §3.1. */
export function repeatedParameters({ repeated }: StepInput): Record<string, never> {
  if (repeated.size > 0) throw invalidRequest('A parameter is repeated.');
  return {};
}
