import { type ProblemPointer, pointer } from '../common/http/problem.js';
import { type StandardClaims, TEXT_CLAIMS, type TextClaim } from './standard-claims.js';

interface Form {
  fits: (text: string) => boolean;
  detail: string;
}

const HTTP_URL: Form = { fits: isHttpUrl, detail: 'must be an http or https URL without user information' };

/** What OIDC Core §5.1 says of the form of a claim. */
const FORMS: { readonly [name in TextClaim]?: Form } = {
  profile: HTTP_URL,
  picture: HTTP_URL,
  website: HTTP_URL,
  birthdate: { fits: isBirthdate, detail: 'must be a date such as 1936-08-17, 0000-08-17 without the year, or a year' },
  zoneinfo: { fits: isTimeZone, detail: 'must be a time zone of the IANA database, such as America/New_York' },
  locale: { fits: isLanguageTag, detail: 'must be a BCP 47 language tag, such as en-US' },
  phone_number: { fits: (text) => /^\+[1-9]\d{1,14}$/.test(text), detail: 'must be in the form of E.164, such as +14255551212' },
};

/** What in well-typed claims breaks a rule. Empty when nothing does. */
export function standardClaimProblems(claims: StandardClaims): ProblemPointer[] {
  const problems = TEXT_CLAIMS.flatMap((name) => {
    const text = claims[name];
    const form = FORMS[name];
    return text === undefined || !form || form.fits(text) ? [] : [{ pointer: pointer(name), detail: form.detail }];
  });
  return claims.phone_number_verified && claims.phone_number === undefined ? [...problems, { pointer: '/phone_number_verified', detail: 'needs a phone number' }] : problems;
}

function isHttpUrl(text: string): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

function isBirthdate(text: string): boolean {
  if (/^\d{4}$/.test(text)) return text !== '0000';
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  // 30 February would be read as a day in March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** Other software takes the names for what they are, in their case; the one that knows them here does not. */
function isTimeZone(text: string): boolean {
  return /^[A-Z][\w+-]*(\/[A-Z][\w+-]*)*$/.test(text) && isKnown(() => new Intl.DateTimeFormat('en', { timeZone: text }));
}

function isLanguageTag(text: string): boolean {
  return isKnown(() => Intl.getCanonicalLocales(text));
}

function isKnown(ask: () => unknown): boolean {
  try {
    ask();
    return true;
  } catch {
    return false;
  }
}
