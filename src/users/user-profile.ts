import { hasAtMostCodePoints } from '../common/code-points.js';
import { type ProblemPointer, pointer } from '../common/http/problem.js';
import { standardClaimProblems } from './claim-forms.js';
import { identifierKey } from './identifier-key.js';
import { type GivenClaims, type StandardClaims, standardClaims } from './standard-claims.js';
import type { UserEntity } from './user.entity.js';

/** What an admin says of a user, by the names of the contract and OIDC Core §5.1. */
export interface UserProfile extends StandardClaims {
  username: string;
  email: string | null;
  email_verified: boolean;
  name: string | null;
  roles: string[];
  enabled: boolean;
}

/** A profile as somebody gives it: all but the username may be left out. */
export type GivenProfile = Partial<Omit<UserProfile, keyof StandardClaims>> & Pick<UserProfile, 'username'> & GivenClaims;

export const USER_ID = /^usr_[\w-]{22}$/;

const MAX_KEY_LENGTH = 255;
const MAX_ROLES_LENGTH = 10_000;

/** Fills in what was left out. */
export function withUserDefaults(given: GivenProfile): UserProfile {
  return {
    username: given.username,
    email: given.email ?? null,
    email_verified: given.email_verified ?? false,
    name: given.name ?? null,
    ...standardClaims(given),
    roles: [...new Set(given.roles ?? [])],
    enabled: given.enabled ?? true,
  };
}

/** What in a well-typed profile breaks a rule. Empty when nothing does. */
export function userProfileProblems({ username, email, email_verified: verified, roles, ...claims }: UserProfile): ProblemPointer[] {
  const problems = standardClaimProblems(claims);
  const report = (field: keyof UserProfile, detail: string) => problems.push({ pointer: pointer(field), detail });
  if (username !== username.trim()) report('username', 'may not begin or end with a space');
  else if (!hasAtMostCodePoints(identifierKey(username), MAX_KEY_LENGTH)) report('username', 'is too long in its normal form');
  if (email !== null && !hasAtMostCodePoints(identifierKey(email), MAX_KEY_LENGTH)) report('email', 'is too long in its normal form');
  if (email === null && verified) report('email_verified', 'needs an e-mail address');
  if (JSON.stringify(roles).length > MAX_ROLES_LENGTH) report('roles', `is longer than ${MAX_ROLES_LENGTH} characters in all`);
  return problems;
}

export function profileOf(user: UserEntity): UserProfile {
  return { username: user.username, email: user.email, email_verified: user.emailVerified, name: user.name, ...user.claims, roles: user.roles, enabled: user.enabled };
}

type ProfileColumns = Pick<UserEntity, 'username' | 'usernameKey' | 'email' | 'emailKey' | 'emailVerified' | 'name' | 'claims' | 'roles' | 'enabled' | 'searchText'>;

export function profileColumns({ username, email, email_verified: emailVerified, name, roles, enabled, ...rest }: UserProfile): ProfileColumns {
  const claims = standardClaims(rest);
  return {
    username,
    usernameKey: identifierKey(username),
    email,
    emailKey: email === null ? null : identifierKey(email),
    emailVerified,
    name,
    claims: Object.keys(claims).length > 0 ? claims : null,
    roles,
    enabled,
    searchText: [username, email ?? '', name ?? ''].join(' ').toLowerCase().slice(0, 768),
  };
}
