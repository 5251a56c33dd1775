/**
 * The form in which usernames and e-mail addresses are compared: width, compatibility forms and case do not count, accents do, as in the UsernameCaseMapped
 * profile of RFC 8265 §3.3. Made here and not by a collation, so that every database agrees. Lower, upper, lower: upper case takes together what has no
 * lower-case twin of its own (ß and SS, the two small sigmas), and the lower case before it what has no upper-case twin (ẞ and ß).
 */
export const identifierKey = (text: string): string => text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
