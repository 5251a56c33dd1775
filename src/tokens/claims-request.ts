import { invalidRequest } from '../common/oauth/oauth-error.js';

/** What a claim can be asked to equal: no claim that is compared has a structured value. */
type Wanted = string | number | boolean | null;

/** How one claim is asked for (OIDC Core §5.5.1); `null`: in the default manner. */
export type ClaimRequest = null | {
  readonly essential?: boolean;
  readonly value?: Wanted;
  readonly values?: readonly Wanted[];
};

/** Claims that are asked for one by one, OIDC Core §5.5. */
export interface ClaimsRequest {
  readonly userinfo?: Readonly<Record<string, ClaimRequest>>;
  readonly id_token?: Readonly<Record<string, ClaimRequest>>;
}

const MAX_CLAIMS = 100;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads the `claims` parameter. Members that are not understood are ignored, as the specification says.
 * @throws {OAuthError} `invalid_request` for what is not the JSON of OIDC Core §5.5
 */
export function parseClaimsRequest(text: string): ClaimsRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed();
  }
  if (!isObject(value)) throw malformed();
  const userinfo = readMember(value['userinfo']);
  const idToken = readMember(value['id_token']);
  return { ...(userinfo ? { userinfo } : {}), ...(idToken ? { id_token: idToken } : {}) };
}

function readMember(member: unknown): Record<string, ClaimRequest> | undefined {
  if (member === undefined || member === null) return undefined;
  if (!isObject(member)) throw malformed();
  const entries = Object.entries(member);
  if (entries.length > MAX_CLAIMS) throw malformed();
  return Object.fromEntries(entries.map(([name, request]) => [name, readClaim(request)]));
}

function readClaim(request: unknown): ClaimRequest {
  if (request === null) return null;
  if (!isObject(request)) throw malformed();
  const { essential, value, values } = request;
  if (essential !== undefined && typeof essential !== 'boolean') throw malformed();
  if (values !== undefined && !Array.isArray(values)) throw malformed();
  return {
    ...(essential === undefined ? {} : { essential }),
    ...(value === undefined ? {} : { value: wanted(value) }),
    ...(values === undefined ? {} : { values: values.map(wanted) }),
  };
}

/** Objects and arrays equal nothing. They are not kept: nested deeply enough, no code could write them as JSON again. */
const wanted = (value: unknown): Wanted => (typeof value === 'object' ? null : (value as Wanted));

const malformed = () => invalidRequest('The parameter claims is malformed.');
