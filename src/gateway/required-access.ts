import { formDecode } from '../common/oauth/form-params.js';
import { invalidRequest } from '../common/oauth/oauth-error.js';
import { parseScope } from '../common/oauth/scope.js';

const SUBJECTS = ['user', 'client'] as const;

/** What a gateway demands of the access token of its caller. It says so in the query of its own request, which no caller has a say in. */
export interface RequiredAccess {
  /** All of these. */
  readonly scope: readonly string[];
  /** One of these; empty when the gateway names none. */
  readonly audience: readonly string[];
  /** Of whom the token must speak, if the gateway minds. */
  readonly subject: (typeof SUBJECTS)[number] | undefined;
  /** Whether Envoy's ext_authz asks: by its caller's method, and for 200. */
  readonly byEnvoy: boolean;
}

/**
 * Reads `scope`, `audience` (may be repeated) and `subject`. Whatever else there is, an empty value included, is the mistake of whoever set the gateway up:
 * it is refused, so that no condition is ever left out in silence.
 *
 * Envoy appends the path and the query of its caller to what it is configured with. What is configured ends in `envoy=`, and all that follows is left alone.
 *
 * @param target the request target, with its query
 * @throws {OAuthError} `invalid_request`
 */
export function parseRequiredAccess(target: string): RequiredAccess {
  const start = target.indexOf('?');
  const query = start < 0 ? '' : target.slice(start + 1);
  const envoy = /(?:^|&)envoy=/.exec(query);
  const own = envoy ? query.slice(0, envoy.index) : query;
  let scope: readonly string[] | undefined;
  const audience: string[] = [];
  let subject: RequiredAccess['subject'];
  for (const pair of own === '' ? [] : own.split('&')) {
    const equals = pair.indexOf('=');
    const value = equals < 0 ? '' : formDecode(pair.slice(equals + 1));
    switch (equals < 0 ? pair : pair.slice(0, equals)) {
      case 'scope':
        if (scope) throw invalidRequest('The parameter scope is repeated. Its words are separated by spaces.');
        scope = parseScope(value);
        if (!scope?.length) throw invalidRequest('The parameter scope holds no scope.');
        break;
      case 'audience':
        if (value === '') throw invalidRequest('The parameter audience is empty.');
        audience.push(value);
        break;
      case 'subject':
        if (subject) throw invalidRequest('The parameter subject is repeated.');
        subject = SUBJECTS.find((each) => each === value);
        if (!subject) throw invalidRequest('The parameter subject is neither user nor client.');
        break;
      default:
        throw invalidRequest('The query holds a parameter that is none of scope, audience, subject and envoy.');
    }
  }
  return { scope: scope ?? [], audience, subject, byEnvoy: envoy !== null };
}
