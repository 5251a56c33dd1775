/**
 * The form in which usernames and e-mail addresses are compared: width, compatibility forms and case do not count, accents do, as in the UsernameCaseMapped
 * profile of RFC 8265 §3.3. Made here and not by a collation, so that every database agrees. Upper case comes first: it takes together what has no
 * lower-case twin of its own (ß and SS, the two small sigmas).
 */
export const identifierKey = (text: string): string => text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
