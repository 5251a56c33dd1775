import { randomBytes } from 'node:crypto';
import { postForm } from './http.mjs';

/** Users that sign in with good passwords. */
export const makeUsers = (count) => Array.from({ length: count }, (_, i) => ({ username: `user-${i + 1}`, password: randomBytes(15).toString('base64url') }));

export const passwordForm = ({ username, password }) => new URLSearchParams({ grant_type: 'password', username, password, scope: 'api' }).toString();

/** @returns the refresh token of a sign-in by each of the server's users, by the password grant */
export async function signInAll(server) {
  const tokens = [];
  for (const user of server.users) {
    const { status, text, body } = await postForm(server.url('token'), passwordForm(user), server.credentials);
    if (status !== 200 || typeof body.refresh_token !== 'string') throw server.failed(`did not sign a user in: ${status} ${text}`);
    tokens.push(body.refresh_token);
  }
  return tokens;
}
