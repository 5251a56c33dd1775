/** Where the clients of these tests want their answers. */
export const CALLBACK = 'https://app.example/cb';

/** The pair of RFC 7636 Appendix B. */
export const PKCE = { verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' };

export const STATE = 'af0ifjsldkj';

/** Over those of a valid request: `undefined` leaves a parameter out, a list repeats it. */
export type ParameterChanges = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request for a code with which nothing is wrong, but for the changes, as it stands in a query or a form (RFC 6749 §4.1.1). */
export function authorizationQuery({ clientId }: { clientId: string }, changes: ParameterChanges = {}): string {
  const parameters: ParameterChanges = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: CALLBACK,
    state: STATE,
    code_challenge: PKCE.challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  return new URLSearchParams(Object.entries(parameters).flatMap(([name, value]) => [value ?? []].flat().map((each): [string, string] => [name, each]))).toString();
}

/** {@link authorizationQuery} at the authorization endpoint. */
export const authorizationUrl = (client: { clientId: string }, changes: ParameterChanges = {}): string => `/oauth/authorize?${authorizationQuery(client, changes)}`;
