/** Of the normalized form, in UTF-8. Nothing longer is ever hashed, so that the length of a password is no work for the server. */
export const MAX_PASSWORD_BYTES = 1024;

/**
 * The one form of a password that is judged and hashed, however a keyboard composes and widens its characters: NFKC (UAX #15), of which every text
 * is in NFC too, as NIST SP 800-63B-4 §3.1.1.2 and RFC 8265 §4.2 want it.
 */
export function normalizedPassword(password: string): string {
  return password.normalize('NFKC');
}

/** Lone surrogates have no UTF-8: all of them would be hashed as one and the same replacement character. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Whether the text may be a password at all: well-formed, and not over the limit. */
export function isHashable(password: string): boolean {
  // Normalization makes one byte or more of every two UTF-16 units, so that a text over twice the limit need not be normalized to be refused.
  return password.length <= 2 * MAX_PASSWORD_BYTES && isWellFormed(password) && Buffer.byteLength(normalizedPassword(password)) <= MAX_PASSWORD_BYTES;
}
