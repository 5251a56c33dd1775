import { TEXT_CLAIMS } from './standard-claims.js';
import type { UserEntity } from './user.entity.js';

/** Which claims a scope asks for, OIDC Core §5.4. */
export const CLAIMS_BY_SCOPE: ReadonlyMap<string, readonly string[]> = new Map([
  ['profile', ['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture', 'website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at']],
  ['email', ['email', 'email_verified']],
  ['address', ['address']],
  ['phone', ['phone_number', 'phone_number_verified']],
]);

const SCOPE_OF_CLAIM: ReadonlyMap<string, string> = new Map([...CLAIMS_BY_SCOPE].flatMap(([scope, names]) => names.map((name): [string, string] => [name, scope])));

/** How each claim is read from a user; `undefined`, `null` and an empty list are a claim that she does not have. */
const READERS: ReadonlyMap<string, (user: UserEntity) => unknown> = new Map<string, (user: UserEntity) => unknown>([
  ['name', (user) => user.name],
  ['preferred_username', (user) => user.username],
  ...TEXT_CLAIMS.map((name): [string, (user: UserEntity) => unknown] => [name, (user) => user.claims?.[name]]),
  ['phone_number_verified', (user) => user.claims?.phone_number_verified],
  ['address', (user) => user.claims?.address],
  ['email', (user) => user.email],
  ['email_verified', (user) => (user.email === null ? undefined : user.emailVerified)],
  ['updated_at', (user) => Math.floor(user.updatedAt / 1000)],
  ['roles', (user) => (user.roles.length > 0 ? user.roles : undefined)],
]);

/** Every claim about a user that can be given, `sub` among them: `claims_supported` of OIDC Discovery §3. */
export const SUPPORTED_CLAIMS: readonly string[] = ['sub', ...READERS.keys()];

/**
 * Those of the named claims that the user has, in the form of OIDC Core §5.1: `updated_at` in seconds since the epoch, `address` an object (§5.1.1), the
 * `_verified` ones booleans that are there only with what was verified. Names that stand for no claim are passed over; so is `sub`, which depends on the
 * client that is told.
 */
export function userClaims(user: UserEntity, names: Iterable<string>): Record<string, unknown> {
  const claims: Record<string, unknown> = {};
  for (const name of names) {
    const value = READERS.get(name)?.(user);
    if (value !== undefined && value !== null) claims[name] = value;
  }
  return claims;
}

/** The scopes that stand for claims: whoever allows one of them allows what its scope means. */
export const scopesOfClaims = (names: readonly string[]): string[] => [...new Set(names.flatMap((name) => SCOPE_OF_CLAIM.get(name) ?? []))];

/** Those of the claims that were asked for one by one (OIDC Core §5.5) that a client with this scope could have asked for by scope as well, and those that no scope stands for. */
export function claimsWithin(scope: ReadonlySet<string>, names: readonly string[]): string[] {
  return names.filter((name) => {
    const needed = SCOPE_OF_CLAIM.get(name);
    return needed === undefined || scope.has(needed);
  });
}
