/** The members of the `address` claim, OIDC Core §5.1.1. */
export const ADDRESS_MEMBERS = ['formatted', 'street_address', 'locality', 'region', 'postal_code', 'country'] as const;

/** The standard claims that are one text each, of those that have no column of their own. */
export const TEXT_CLAIMS = [
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
] as const;

export type TextClaim = (typeof TEXT_CLAIMS)[number];
export type Address = { [member in (typeof ADDRESS_MEMBERS)[number]]?: string };

/** What is said of a user beside her username, e-mail address and name, by the names of OIDC Core §5.1. What is not set is not there. */
export type StandardClaims = { [name in TextClaim]?: string } & {
  /** There with the number, and only with it. */
  phone_number_verified?: boolean;
  /** Never empty. */
  address?: Address;
};

/** Standard claims as somebody gives them, who may say of each that it is not set. */
export type GivenClaims = { [name in Exclude<keyof StandardClaims, 'address'>]?: StandardClaims[name] | null } & { address?: { [member in keyof Address]: Address[member] | null } | null };

/** Leaves out what is not set, in an order that is always the same. A verified number that is not there stays, for {@link standardClaimProblems} to see. */
export function standardClaims(given: GivenClaims): StandardClaims {
  const verified = given.phone_number_verified ?? false;
  const address = textsOf(ADDRESS_MEMBERS, given.address ?? {});
  return {
    ...textsOf(TEXT_CLAIMS, given),
    ...(verified || typeof given.phone_number === 'string' ? { phone_number_verified: verified } : {}),
    ...(Object.keys(address).length > 0 ? { address } : {}),
  };
}

function textsOf<Name extends string>(names: readonly Name[], given: { readonly [name in Name]?: string | null }): { [name in Name]?: string } {
  const texts: { [name in Name]?: string } = {};
  for (const name of names) {
    const text = given[name];
    if (typeof text === 'string') texts[name] = text;
  }
  return texts;
}
