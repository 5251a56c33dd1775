/** Parts from which the descriptions of paths are made. */

export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
export const json = (description: string, schema: object) => ({ description, content: { 'application/json': { schema } } });
export const error = (description: string) => json(description, ref('OAuthError'));
export const page = (description: string) => ({ description, content: { 'text/html': { schema: { type: 'string' } } } });

/** The body of a form post. @param examples by their names */
export const form = (required: string[], properties: object, examples: Record<string, object>) => ({
  required: true,
  content: { 'application/x-www-form-urlencoded': { schema: { type: 'object', required, properties }, examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])) } },
});

/** As {@link form}, of a client that authenticates in the header or in the form. */
export const clientForm = (required: string[], properties: object, examples: Record<string, object>) =>
  form(
    required,
    {
      ...properties,
      client_id: { type: 'string', description: 'With client_secret, in place of Basic, for a client that is registered for client_secret_post; alone, for a public client.' },
      client_secret: { type: 'string' },
    },
    examples,
  );

const rateLimit = (example: string, description: string) => ({ description, schema: { type: 'string' }, example });

/** Of an answer that tells what its caller may still ask for (draft-ietf-httpapi-ratelimit-headers). */
export const limitHeaders = {
  'RateLimit-Policy': rateLimit('"token";q=60000;w=60', 'The limit that is nearest: q requests in w seconds. Not where limits are off.'),
  RateLimit: rateLimit('"token";r=59999;t=42', 'r requests are left; in t seconds its window ends.'),
};

const refusalHeaders = { ...limitHeaders, 'Retry-After': { description: 'Seconds', schema: { type: 'integer', minimum: 1 } } };

export const failures = {
  400: error('invalid_request, invalid_grant, invalid_scope, invalid_target, unauthorized_client or unsupported_grant_type'),
  401: error('invalid_client'),
  429: { ...error('temporarily_unavailable: more requests than a limit allows; try again after Retry-After'), headers: refusalHeaders },
  503: error('temporarily_unavailable: try again after Retry-After'),
};
