import type { Answer } from './oauth-driver.js';

/** Problem details (RFC 9457) of the admin API. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: { pointer: string; detail: string }[];
}

/** Where the input was wrong (RFC 6901), each place once; empty when the answer does not say. */
export const pointersOf = (answer: Answer<unknown>): string[] => [...new Set(((answer.body as ProblemDetails).errors ?? []).map(({ pointer }) => pointer))];

/** Asserts that an answer is a refusal in the form of RFC 9457, with these pointers if any are given. */
export function expectProblem(answer: Answer<unknown>, status: number, ...pointers: string[]): void {
  const { type, title, detail, status: stated } = answer.body as ProblemDetails;
  expect({ status: answer.status, type: answer.headers.get('content-type'), body: answer.text }).toMatchObject({ status, type: expect.stringMatching(/^application\/problem\+json/) as string });
  expect({ type, title, detail, stated }).toEqual({ type: expect.any(String) as string, title: expect.any(String) as string, detail: expect.any(String) as string, stated: status });
  expect(answer.text).not.toMatch(/\.[jt]s:\d+|node_modules|SELECT |INSERT |SQLITE|ER_/);
  if (pointers.length > 0) expect(pointersOf(answer)).toEqual(pointers);
}
