import { pbkdf2Sync, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { hashRawSync, type Algorithm, type Version } from '@node-rs/argon2';
import { hashSync as bcryptSync } from 'bcryptjs';
import { formatHash, parseHash, type Argon2Hash, type BcryptHash, type PasswordHash, type ScryptHash } from './hash-forms.js';
import { normalizedPassword } from './password-text.js';

export interface PasswordVerdict {
  matches: boolean;
  /** A hash under today's parameters, when the stored one matched and has others. */
  replacement?: string;
}

/** RFC 9106 with 19 MiB and two passes: what OWASP's Password Storage Cheat Sheet names first. */
const TODAY = { scheme: 'argon2', type: 'id', version: 19, memoryKib: 19_456, passes: 2, lanes: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Stands in where there is no hash, so that the work is the same. No password has it: its bytes are drawn, not derived. */
const NO_HASH = formatHash({ ...TODAY, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) });

// The package declares its enums as `const`, of which separately compiled modules can only have the values.
const ARGON2_TYPES: Record<Argon2Hash['type'], Algorithm> = { d: 0, i: 1, id: 2 };
const ARGON2_VERSIONS: Record<Argon2Hash['version'], Version> = { 16: 0, 19: 1 };

const BCRYPT_KEY_BYTES = 72;
const BCRYPT_SALTED_LENGTH = 29;

/** The PHC string of a fresh hash of the password under today's parameters. Blocks for as long as it takes. */
export function newHash(password: string): string {
  const salt = randomBytes(SALT_BYTES);
  const drawn: Argon2Hash = { ...TODAY, salt, hash: Buffer.alloc(HASH_BYTES) };
  return formatHash({ ...drawn, hash: argon2(Buffer.from(normalizedPassword(password)), drawn) });
}

/**
 * Whether the password is the one behind the hash (`null`: there is none). The work depends on the password and the parameters of the hash alone,
 * except that a right password may save the second try and cost a replacement.
 *
 * @throws Error for a stored text that is no hash
 */
export function verdictOn(password: string, stored: string | null): PasswordVerdict {
  const hash = parseHash(stored ?? NO_HASH);
  if (!hash) throw new Error('a stored password hash is in no form that is known');
  const normalized = normalizedPassword(password);
  const matches = matchesHash(normalized, hash);
  // Other systems hashed the text as it was typed.
  const matchesAsTyped = !matches && normalized !== password && matchesHash(password, hash);
  if (stored === null || (!matches && !matchesAsTyped)) return { matches: false };
  return matches && !needsReplacement(hash) ? { matches: true } : { matches: true, replacement: newHash(password) };
}

/** Whether the hash has other parameters than a new one would have. */
export function needsReplacement(hash: PasswordHash): boolean {
  if (hash.scheme !== 'argon2' || hash.salt.length !== SALT_BYTES || hash.hash.length !== HASH_BYTES) return true;
  return (Object.keys(TODAY) as (keyof typeof TODAY)[]).some((parameter) => hash[parameter] !== TODAY[parameter]);
}

function matchesHash(password: string, hash: PasswordHash): boolean {
  const bytes = Buffer.from(password);
  switch (hash.scheme) {
    case 'argon2':
      return timingSafeEqual(argon2(bytes, hash), hash.hash);
    case 'bcrypt':
      return matchesBcrypt(password, hash);
    case 'pbkdf2':
      return timingSafeEqual(pbkdf2Sync(bytes, hash.salt, hash.iterations, hash.hash.length, hash.digest), hash.hash);
    case 'scrypt':
      return timingSafeEqual(scrypt(bytes, hash), hash.hash);
  }
}

/** bcrypt reads 72 bytes of its key, and repeats a shorter one with a NUL after it: a longer password, and one with a NUL, would match by a part of it. */
function matchesBcrypt(password: string, { text }: BcryptHash): boolean {
  const computed = bcryptSync(password, text.slice(0, BCRYPT_SALTED_LENGTH));
  const whole = Buffer.byteLength(password) <= BCRYPT_KEY_BYTES && !password.includes('\0');
  return timingSafeEqual(Buffer.from(computed), Buffer.from(text)) && whole;
}

function argon2(password: Buffer, { type, version, memoryKib, passes, lanes, salt, hash }: Argon2Hash): Buffer {
  const costs = { memoryCost: memoryKib, timeCost: passes, parallelism: lanes };
  return hashRawSync(password, { algorithm: ARGON2_TYPES[type], version: ARGON2_VERSIONS[version], ...costs, outputLen: hash.length, salt });
}

function scrypt(password: Buffer, { logN, blockSize, parallelization, salt, hash }: ScryptHash): Buffer {
  const N = 2 ** logN;
  // What OpenSSL counts: the table, one block for each lane, and some blocks to work in.
  const maxmem = 128 * blockSize * (N + parallelization + 4) + 1024;
  return scryptSync(password, salt, hash.length, { N, r: blockSize, p: parallelization, maxmem });
}
