export interface ErrorAnswer {
  status: number;
  headers: Headers;
  text: string;
  body: Record<string, unknown>;
}

/** Any error answer by RFC 6749 §5.2: JSON of the defined members only, in their character sets, kept by no cache. */
export function expectOAuthError(answer: ErrorAnswer, status: number, error: string): void {
  expect({ status: answer.status, error: answer.body['error'], text: answer.text }).toEqual({ status, error, text: answer.text });
  expect(answer.headers.get('content-type')).toMatch(/^application\/json(;\s*charset=utf-8)?$/i);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  const { error_description: description, error_uri: uri, ...rest } = answer.body;
  expect(rest).toEqual({ error });
  if (description !== undefined) expect(description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  if (uri !== undefined) expect(uri).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(answer.text).not.toMatch(/\bat .+:\d+:\d+|node_modules|SELECT |INSERT |SQLITE|ER_[A-Z]/);
}
