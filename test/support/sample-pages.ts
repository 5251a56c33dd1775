import type { ScopeItem, Views } from '../../src/pages/views.js';

const csrfToken = 'csrf-token-of-the-sample';
const client = { clientId: 'acme-reports', name: 'Acme Reports' };
const scopes: ScopeItem[] = [{ scope: 'openid' }, { scope: 'profile' }, { scope: 'invoices:read', description: 'Read your invoices' }, { scope: 'invoices:write' }];
const signedInAtMs = Date.UTC(2026, 10, 20, 8, 5);
const lastUsedAtMs = Date.UTC(2026, 10, 24, 18, 30);

/** One good model of each view, with everything in it that can be. */
export const SAMPLES: { readonly [V in keyof Views]: Views[V] } = {
  login: { csrfToken, action: '/login', client, username: 'margaret', error: 'credentials' },
  account_login: { csrfToken, action: '/account/login', username: 'margaret', error: 'credentials' },
  consent: { csrfToken, action: '/consent', client, returnsTo: 'reports.acme.example', username: 'margaret', scopes, resources: ['Invoices', 'Orders'], asked: 'f'.repeat(64), accessSeconds: 2_592_000, unverified: true },
  account: {
    csrfToken,
    actions: { signOut: '/account/sign-out', endSession: '/account/sessions', endOtherSessions: '/account/sessions/others', revokeConsent: '/account/consents', changePassword: '/account/password' },
    username: 'margaret',
    name: 'Margaret Hamilton',
    sessions: [
      { sessionId: 's1', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', address: '203.0.113.7', signedInAtMs, lastUsedAtMs, current: true },
      { sessionId: 's2', userAgent: 'curl/8.5.0', address: '2001:db8::1', signedInAtMs, lastUsedAtMs, current: false },
    ],
    consents: [{ client, scopes, resources: ['Invoices'], sinceMs: signedInAtMs }],
    minPasswordCharacters: 15,
    passwordError: 'mismatch',
  },
  logout_confirm: { csrfToken, action: '/logout', client, username: 'margaret', fields: { state: 'a state' } },
  logged_out: { client, signInPath: '/account' },
  form_post: { action: 'https://reports.acme.example/callback', params: { code: 'mg_ac_sample', state: 'a "state" <of> the client’s', iss: 'https://id.example.com' } },
  error: { status: 400, reason: 'invalid_request', code: 'invalid_request', description: 'A parameter is repeated.', reference: 'abc-1' },
};

export const VIEW_NAMES = Object.keys(SAMPLES) as (keyof Views)[];
