import { createRequire } from 'node:module';
import { isWellFormed, MAX_PASSWORD_BYTES, normalizedPassword } from './password-text.js';

export const MIN_CHARACTERS = 15;
/** So many code points take no more than `MAX_PASSWORD_BYTES`. */
const MAX_CHARACTERS = MAX_PASSWORD_BYTES / 4;
const MIN_CONTEXT_WORD = 4;
const MIN_BESIDE_CONTEXT = 8;
const MIN_COMMON_ENTRY = 3;
const SERVICE_NAME = 'mintgate';

/** Each follows "the password", or the name of the field. */
export const PASSWORD_PROBLEM = {
  notText: 'must be well-formed Unicode text',
  control: 'must not have control characters',
  short: `must have ${MIN_CHARACTERS} characters or more`,
  long: `must have ${MAX_CHARACTERS} characters or fewer`,
  run: 'is one character or a sequence such as 123456789 over and over',
  context: 'is built on the username, the e-mail address or the name of this service',
  common: 'is made of one or two passwords that are among the most common ones',
} as const;

/** What is known of an account and of the service under this issuer, for {@link passwordProblem}. */
export const passwordContext = ({ username, email, name }: { username: string; email: string | null; name: string | null }, issuer: string): string[] => [username, email ?? '', name ?? '', new URL(issuer).hostname];

/**
 * Why the text may not become a password, `undefined` when it may (NIST SP 800-63B-4 §3.1.1.2, OWASP ASVS 5.0 V6.2). A character is a code point of
 * the normalized form; any may stand anywhere, spaces at the ends too.
 *
 * @param context what is known of the account and the service: username, e-mail address, names, the issuer's host
 */
export function passwordProblem(password: string, context: readonly string[]): string | undefined {
  if (password.length > 2 * MAX_PASSWORD_BYTES) return PASSWORD_PROBLEM.long;
  if (!isWellFormed(password)) return PASSWORD_PROBLEM.notText;
  const text = normalizedPassword(password);
  if (/\p{Control}/u.test(text)) return PASSWORD_PROBLEM.control;
  const characters = Array.from(text).length;
  if (characters < MIN_CHARACTERS) return PASSWORD_PROBLEM.short;
  if (characters > MAX_CHARACTERS) return PASSWORD_PROBLEM.long;
  return blocklistProblem(text.toLowerCase(), context);
}

function blocklistProblem(text: string, context: readonly string[]): string | undefined {
  if (isRun(text)) return PASSWORD_PROBLEM.run;
  if (isBuiltOn(wordsOf([...context, SERVICE_NAME]), text)) return PASSWORD_PROBLEM.context;
  return isMadeOfCommonPasswords(text) ? PASSWORD_PROBLEM.common : undefined;
}

/** All ASCII, every character the same step (-1, 0, +1) from the one before, 0 beside 9. */
function isRun(text: string): boolean {
  if (!/^\p{ASCII}*$/u.test(text)) return false;
  return [-1, 0, 1].some((step) => Array.from(text).every((character, index) => index === 0 || character === neighbour(text[index - 1], step)));
}

function neighbour(character: string, step: number): string {
  const next = String.fromCharCode(character.charCodeAt(0) + step);
  return /\d/.test(character) && !/\d/.test(next) ? String((Number(character) + step + 10) % 10) : next;
}

function isBuiltOn(words: readonly string[], text: string): boolean {
  const rest = words.reduce((left, word) => left.replaceAll(word, ''), text);
  return Array.from(rest).length < MIN_BESIDE_CONTEXT;
}

/** The longest first: each text as it is and without punctuation, an e-mail address' local part likewise, and every run of letters and digits in them. */
function wordsOf(context: readonly string[]): string[] {
  const texts = context.map((text) => normalizedPassword(text).toLowerCase().trim()).flatMap((text) => [text, text.replace(/@[^@]*$/, '')]);
  const words = texts.flatMap((text) => [text, text.replace(/[^\p{L}\p{M}\p{N}]/gu, ''), ...(text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [])]);
  return [...new Set(words)].filter((word) => Array.from(word).length >= MIN_CONTEXT_WORD).sort((one, other) => other.length - one.length);
}

let commonPasswords: Set<string> | undefined;
let longestCommonPassword = 0;

/** One or two entries of the list in any order and number, whatever separates them: `Password1234567`, `letmein-letmein!`. */
function isMadeOfCommonPasswords(text: string): boolean {
  for (const first of commonPasswordsAt(text, positionsReached(text, []))) {
    const reached = positionsReached(text, [first]);
    if (reached.has(text.length)) return true;
    for (const second of commonPasswordsAt(text, reached)) if (positionsReached(text, [first, second]).has(text.length)) return true;
  }
  return false;
}

/** How far one gets from the start by these words and separators alone: the places at which a word may begin. */
function positionsReached(text: string, words: readonly string[]): Set<number> {
  const reached = new Set([0]);
  for (const position of reached) {
    if (isSeparator(text[position])) reached.add(position + 1);
    for (const word of words) if (text.startsWith(word, position)) reached.add(position + word.length);
  }
  return reached;
}

/** Marks that one types around words; not symbols such as emoji. */
function isSeparator(character: string | undefined): boolean {
  return character !== undefined && /[\p{P}\p{Z}$+<=>^`|~]/u.test(character);
}

/** The entries of the list that begin at one of the places. */
function commonPasswordsAt(text: string, positions: Iterable<number>): Set<string> {
  const common = (commonPasswords ??= loadCommonPasswords());
  const found = new Set<string>();
  for (const position of positions) {
    for (let end = position + MIN_COMMON_ENTRY; end <= Math.min(text.length, position + longestCommonPassword); end++) {
      const candidate = text.slice(position, end);
      if (common.has(candidate)) found.add(candidate);
    }
  }
  return found;
}

/** Some megabytes, which a server that sets no password does without. */
function loadCommonPasswords(): Set<string> {
  const { dictionary } = createRequire(__filename)('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common');
  const entries = dictionary['passwords-common'];
  longestCommonPassword = entries.reduce((longest, entry) => Math.max(longest, entry.length), 0);
  return new Set(entries);
}
