import { randomBytes } from 'node:crypto';

/** Users that sign in with good passwords. */
export const makeUsers = (count) => Array.from({ length: count }, (_, i) => ({ username: `user-${i + 1}`, password: randomBytes(15).toString('base64url') }));

export const passwordForm = ({ username, password }) => new URLSearchParams({ grant_type: 'password', username, password, scope: 'api' }).toString();
