import { STATUS_CODES } from 'node:http';

/** One fault in the input: where (RFC 6901, into the request body) and what. */
export interface ProblemPointer {
  pointer: string;
  detail: string;
}

/** A refusal by the admin API in the form of RFC 9457; `type` is `about:blank`, so `title` is the status' own phrase (§4.2.1). */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly detail: string,
    readonly errors?: readonly ProblemPointer[],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }

  toBody(): Record<string, unknown> {
    return { type: 'about:blank', title: STATUS_CODES[this.status] ?? 'Error', status: this.status, detail: this.detail, ...(this.errors ? { errors: this.errors } : {}) };
  }
}

export const notFound = (what: string) => new Problem(404, `There is no such ${what}.`);

/** More errors than anybody reads; without a bound the response outgrows the request. */
const MAX_ERRORS = 100;

export function invalidInput(errors: readonly ProblemPointer[]): Problem {
  if (errors.length <= MAX_ERRORS) return new Problem(400, 'The request is not valid.', errors);
  const detail = `The request is not valid. Only the first ${MAX_ERRORS} of ${errors.length} errors are listed.`;
  return new Problem(400, detail, errors.slice(0, MAX_ERRORS));
}

/** A member name as a JSON Pointer's reference token (RFC 6901 §3). */
export const pointer = (...path: (string | number)[]): string => path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
