import { type ProblemPointer, pointer } from '../common/http/problem.js';
import { redirectUriProblem } from '../common/oauth/redirect-uri.js';
import { resourceIdentifierProblem } from '../common/oauth/resource-identifier.js';
import { parseScope } from '../common/oauth/scope.js';
import { outboundUriProblem } from '../common/outbound/outbound-uri.js';
import { parseRfc3339 } from '../common/time/rfc3339.js';
import { redirectHosts } from './sector-identifier.js';
import type { ClientMetadata } from './client-metadata.js';

/** What a list may take up as a whole, well within a column of the database. */
const MAX_LIST_LENGTH = 50_000;

/**
 * Finds what breaks a rule in well-typed metadata.
 * @param outboundAllowedHosts of the server's configuration
 * @param before of a client that exists: a URI that it has already may stay, although the rules have changed since
 */
export function clientMetadataProblems(metadata: ClientMetadata, outboundAllowedHosts: readonly string[], before?: ClientMetadata): ProblemPointer[] {
  return [
    ...uriProblems('redirect_uris', metadata),
    ...uriProblems('post_logout_redirect_uris', metadata),
    ...(metadata.backchannel_logout_uri === before?.backchannel_logout_uri ? [] : logoutProblems(metadata, outboundAllowedHosts)),
    ...grantProblems(metadata),
    ...scopeProblems(metadata),
    ...resourceProblems(metadata),
    ...subjectProblems(metadata),
    ...timeProblems(metadata),
  ];
}

function uriProblems(field: 'redirect_uris' | 'post_logout_redirect_uris', metadata: ClientMetadata): ProblemPointer[] {
  const uris = metadata[field];
  if (JSON.stringify(uris).length > MAX_LIST_LENGTH) return [{ pointer: pointer(field), detail: `is longer than ${MAX_LIST_LENGTH} characters in all` }];
  return uris.flatMap((uri, index) => {
    const problem = uris.indexOf(uri) < index ? 'is given twice' : redirectUriProblem(uri);
    return problem ? [{ pointer: pointer(field, index), detail: problem }] : [];
  });
}

function logoutProblems({ backchannel_logout_uri: uri }: ClientMetadata, outboundAllowedHosts: readonly string[]): ProblemPointer[] {
  const problem = uri === null ? undefined : outboundUriProblem(uri, outboundAllowedHosts);
  return problem === undefined ? [] : [{ pointer: '/backchannel_logout_uri', detail: problem }];
}

function grantProblems({ grant_types: grants, response_types: responses, redirect_uris: uris, ...metadata }: ClientMetadata): ProblemPointer[] {
  const problems: ProblemPointer[] = [];
  const isPublic = metadata.token_endpoint_auth_method === 'none';
  grants.forEach((grant, index) => {
    if (grants.indexOf(grant) < index) problems.push({ pointer: pointer('grant_types', index), detail: 'is given twice' });
    // RFC 6749 §4.4: the client credentials grant MUST only be used by confidential clients.
    if (grant === 'client_credentials' && isPublic) problems.push({ pointer: pointer('grant_types', index), detail: 'client_credentials needs a client that authenticates: token_endpoint_auth_method may not be none' });
    if ((grant === 'authorization_code' || grant === 'implicit') && uris.length === 0) problems.push({ pointer: '/redirect_uris', detail: `${grant} needs at least one redirect URI` });
  });
  responses.forEach((response, index) => {
    const needed = response === 'code' ? 'authorization_code' : 'implicit';
    if (responses.indexOf(response) < index) problems.push({ pointer: pointer('response_types', index), detail: 'is given twice' });
    if (!grants.includes(needed)) problems.push({ pointer: pointer('response_types', index), detail: `needs ${needed} among grant_types` });
  });
  if (!metadata.require_pkce && isPublic) problems.push({ pointer: '/require_pkce', detail: 'may be false only for a client that authenticates' });
  return problems;
}

function scopeProblems({ scope, default_scope: defaultScope }: ClientMetadata): ProblemPointer[] {
  const detail = 'must be scope tokens separated by single spaces (RFC 6749 section 3.3)';
  const tokens = parseScope(scope);
  if (!tokens) return [{ pointer: '/scope', detail }];
  const defaults = parseScope(defaultScope ?? '');
  if (!defaults) return [{ pointer: '/default_scope', detail }];
  return defaults.every((token) => tokens.includes(token)) ? [] : [{ pointer: '/default_scope', detail: 'holds a scope that is not in scope' }];
}

/** Whether there is such a resource is not asked: it may be registered after its clients. */
function resourceProblems({ resources }: ClientMetadata): ProblemPointer[] {
  return resources.flatMap((identifier, index) => {
    const twice = resources.indexOf(identifier) < index;
    const problem = twice ? 'is given twice' : resourceIdentifierProblem(identifier);
    return problem === undefined ? [] : [{ pointer: pointer('resources', index), detail: problem }];
  });
}

/** OIDC Core §8.1: with redirect URIs of several hosts and no `sector_identifier_uri`, which this server does not read, nothing says for whom subjects are made. */
function subjectProblems({ subject_type: subjectType, redirect_uris: uris }: ClientMetadata): ProblemPointer[] {
  return subjectType === 'pairwise' && redirectHosts(uris).length > 1 ? [{ pointer: '/subject_type', detail: 'may be pairwise only with redirect URIs of one host' }] : [];
}

function timeProblems({ access_token_lifetime: lifetime, access_token_reuse: reuse, refresh_token_lifetime: absolute, refresh_token_idle_lifetime: idle, password_grant_sunset: sunset }: ClientMetadata): ProblemPointer[] {
  const problems: ProblemPointer[] = [];
  if (reuse >= lifetime) problems.push({ pointer: '/access_token_reuse', detail: 'must be shorter than access_token_lifetime' });
  if (idle > absolute) problems.push({ pointer: '/refresh_token_idle_lifetime', detail: 'may not be longer than refresh_token_lifetime' });
  if (sunset !== null && parseRfc3339(sunset) === undefined) problems.push({ pointer: '/password_grant_sunset', detail: 'must be a time such as 2026-11-23T14:00:00Z' });
  return problems;
}
