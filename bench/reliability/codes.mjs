// An application whose user is signed in in her browser, and the authorization codes that it gets by that.
import { createHash, randomBytes } from 'node:crypto';
import { postForm } from '../http.mjs';
import { register, USER } from './mintgate.mjs';

const REDIRECT_URI = 'https://app.example.com/callback';

const cookieOf = (answer) => answer.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');

/** Signs in at the account page. @returns the session cookie */
async function signIn(origin) {
  const page = await fetch(`${origin}/account`);
  const csrfToken = /name="csrf_token"[^>]*value="([^"]*)"/.exec(await page.text())?.[1];
  const body = new URLSearchParams({ csrf_token: csrfToken, decision: 'sign_in', ...USER });
  const answer = await fetch(`${origin}/account/login`, { method: 'POST', redirect: 'manual', headers: { cookie: cookieOf(page) }, body });
  if (answer.status !== 303) throw new Error(`not signed in: ${answer.status} ${await answer.text()}`);
  return cookieOf(answer);
}

export class Application {
  #verifier = randomBytes(32).toString('base64url');

  static async start(origin) {
    const application = new Application();
    application.client = await register(origin, { grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [REDIRECT_URI], scope: 'read', skip_consent: true });
    application.cookie = await signIn(origin);
    return application;
  }

  /** A code that nobody has used. */
  async code(origin) {
    const challenge = createHash('sha256').update(this.#verifier).digest('base64url');
    const query = new URLSearchParams({ response_type: 'code', client_id: this.client.id, redirect_uri: REDIRECT_URI, code_challenge: challenge, code_challenge_method: 'S256' });
    const answer = await fetch(`${origin}/oauth/authorize?${query}`, { redirect: 'manual', headers: { cookie: this.cookie } });
    const code = new URL(answer.headers.get('location') ?? origin).searchParams.get('code');
    if (!code) throw new Error(`no code: ${answer.status} ${answer.headers.get('location')} ${await answer.text()}`);
    return code;
  }

  redeem(origin, code) {
    return postForm(`${origin}/oauth/token`, String(new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: this.#verifier })), this.client);
  }
}
