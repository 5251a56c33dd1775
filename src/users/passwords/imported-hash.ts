import { z } from 'zod';
import { DECIMAL, formatHash, fromBase64, fromUnpaddedBase64, parseHash, type PasswordHash, type Pbkdf2Hash } from './hash-forms.js';

const MAX_TEXT_LENGTH = 1024;
const MAX_PBKDF2_ITERATIONS = 3_000_000;
/** Each block of the hash (20 bytes with SHA-1, 32, 64) costs the iterations anew. */
const MAX_PBKDF2_BLOCK_ITERATIONS = 6_000_000;
const MAX_SCRYPT_TABLE_BYTES = 128 * 1024 * 1024;

/** Never with anything of what was given. Each follows the name of the field. */
export const IMPORTED_HASH_PROBLEM = {
  notText: 'must be a password hash: a text, or a Keycloak credential as an object',
  length: `must have ${MAX_TEXT_LENGTH} characters or fewer`,
  form: 'is not a well-formed password hash of a kind that is known: Argon2, bcrypt, PBKDF2 or scrypt as a PHC string or in the form of Django or passlib',
  keycloak: 'is not a well-formed Keycloak credential of type password with the algorithm pbkdf2, pbkdf2-sha256, pbkdf2-sha512 or argon2',
  hashLength: 'must have a hash of 16 to 128 bytes',
  saltLength: 'must have a salt of 128 bytes or fewer',
  argon2Salt: 'must have an Argon2 salt of 8 bytes or more',
  argon2Memory: 'must have an Argon2 memory cost of 8 KiB for each lane or more, and 262144 KiB (256 MiB) or less',
  argon2Passes: 'must have an Argon2 time cost of 20 or less',
  argon2Lanes: 'must have an Argon2 parallelism of 16 or less',
  bcryptCost: 'must have a bcrypt cost of 4 to 14',
  pbkdf2Iterations: `must have ${MAX_PBKDF2_ITERATIONS} PBKDF2 iterations or fewer`,
  pbkdf2Work: `must have ${MAX_PBKDF2_BLOCK_ITERATIONS} PBKDF2 iterations or fewer over all blocks of its hash`,
  scryptMemory: 'must have scrypt parameters that take 128 MiB or less (128 * N * r bytes)',
  scryptBlockSize: 'must have a scrypt block size (r) of 32 or less',
  scryptParallelization: 'must have a scrypt parallelization (p) of 16 or less',
} as const;

export type ImportedHash = { hash: string } | { problem: string };

/**
 * Reads a hash that another system made, and gives it in the form in which hashes are stored, within bounds that keep one login from being a
 * denial of service. Text: a PHC string, bcrypt's, Django's or passlib's form, or a Keycloak credential as JSON. Object: a Keycloak credential.
 */
export function readImportedHash(given: unknown): ImportedHash {
  if (typeof given !== 'string' && (typeof given !== 'object' || given === null)) return { problem: IMPORTED_HASH_PROBLEM.notText };
  if (typeof given === 'string' && given.length > MAX_TEXT_LENGTH) return { problem: IMPORTED_HASH_PROBLEM.length };
  const isKeycloak = typeof given === 'object' || given.startsWith('{');
  const hash = isKeycloak ? readKeycloak(given) : readText(given);
  if (!hash) return { problem: isKeycloak ? IMPORTED_HASH_PROBLEM.keycloak : IMPORTED_HASH_PROBLEM.form };
  const problem = problemOf(hash);
  return problem === undefined ? { hash: formatHash(hash) } : { problem };
}

function readText(text: string): PasswordHash | undefined {
  // Django writes the name of its hasher before the form that the library gave.
  return parseHash(text.replace(/^(argon2|bcrypt\$)(?=\$)/, '')) ?? readDjangoPbkdf2(text) ?? readDjangoScrypt(text) ?? readPasslibPbkdf2(text);
}

const DJANGO_PBKDF2 = new RegExp(`^pbkdf2_(sha1|sha256)\\$${DECIMAL}\\$([^$]+)\\$([^$]+)$`);

/** `pbkdf2_sha256$<iterations>$<salt, a text>$<hash, base64>` */
function readDjangoPbkdf2(text: string): Pbkdf2Hash | undefined {
  const [, digest, iterations, salt, encoded] = DJANGO_PBKDF2.exec(text) ?? [];
  const hash = encoded === undefined ? undefined : fromBase64(encoded);
  return hash && { scheme: 'pbkdf2', digest: digest as Pbkdf2Hash['digest'], iterations: Number(iterations), salt: Buffer.from(salt), hash };
}

const DJANGO_SCRYPT = new RegExp(`^scrypt\\$${DECIMAL}\\$([^$]+)\\$${DECIMAL}\\$${DECIMAL}\\$([^$]+)$`);

/** `scrypt$<N>$<salt, a text>$<r>$<p>$<hash, base64>` */
function readDjangoScrypt(text: string): PasswordHash | undefined {
  const [, N, salt, blockSize, parallelization, encoded] = DJANGO_SCRYPT.exec(text) ?? [];
  const hash = encoded === undefined ? undefined : fromBase64(encoded);
  const logN = Math.log2(Number(N));
  if (!hash || !Number.isInteger(logN) || logN === 0) return undefined;
  return { scheme: 'scrypt', logN, blockSize: Number(blockSize), parallelization: Number(parallelization), salt: Buffer.from(salt), hash };
}

const PASSLIB_PBKDF2 = new RegExp(`^\\$pbkdf2(?:-(sha256|sha512))?\\$${DECIMAL}\\$([./A-Za-z0-9]*)\\$([./A-Za-z0-9]+)$`);

/** `$pbkdf2-sha256$<iterations>$<salt>$<hash>`, without a digest SHA-1, in base64 with `.` for `+` and no padding. */
function readPasslibPbkdf2(text: string): Pbkdf2Hash | undefined {
  const [, digest = 'sha1', iterations, encodedSalt, encodedHash] = PASSLIB_PBKDF2.exec(text) ?? [];
  if (encodedSalt === undefined || encodedHash === undefined) return undefined;
  const [salt, hash] = [encodedSalt, encodedHash].map((encoded) => fromUnpaddedBase64(encoded.replaceAll('.', '+')));
  return salt && hash && { scheme: 'pbkdf2', digest: digest as Pbkdf2Hash['digest'], iterations: Number(iterations), salt, hash };
}

/** Keycloak keeps both parts of a credential as JSON within the JSON; a part may be given as the object that it is as well. */
const jsonOr = <Schema extends z.ZodType>(schema: Schema) => z.preprocess((value) => (typeof value === 'string' ? parsedJson(value) : value), schema);

const base64 = z.string().max(MAX_TEXT_LENGTH).transform((text, context) => fromBase64(text) ?? (context.addIssue('not base64'), z.NEVER));

const parameter = <Value extends z.ZodType<unknown, string>>(value: Value) => z.tuple([z.string()]).transform(([text]) => text).pipe(value);
const integerParameter = parameter(z.string().regex(new RegExp(`^${DECIMAL}$`)).transform(Number));

const keycloakAlgorithm = z.discriminatedUnion('algorithm', [
  z.object({ algorithm: z.enum(['pbkdf2', 'pbkdf2-sha256', 'pbkdf2-sha512']), hashIterations: z.int().positive() }),
  z.object({
    algorithm: z.literal('argon2'),
    hashIterations: z.int().positive(),
    additionalParameters: z.object({
      type: parameter(z.enum(['id', 'i', 'd'])),
      version: parameter(z.enum(['1.0', '1.3'])),
      hashLength: integerParameter,
      memory: integerParameter,
      parallelism: integerParameter,
    }),
  }),
]);

const keycloakCredential = jsonOr(z.object({
  type: z.literal('password'),
  secretData: jsonOr(z.object({ value: base64, salt: base64 })),
  credentialData: jsonOr(keycloakAlgorithm),
}));

function readKeycloak(given: unknown): PasswordHash | undefined {
  const { data } = keycloakCredential.safeParse(given);
  if (!data) return undefined;
  const { secretData: { value: hash, salt }, credentialData } = data;
  if (credentialData.algorithm === 'argon2') {
    const { type, version, hashLength, memory, parallelism } = credentialData.additionalParameters;
    if (hashLength !== hash.length) return undefined;
    const costs = { memoryKib: memory, passes: credentialData.hashIterations, lanes: parallelism };
    return { scheme: 'argon2', type, version: version === '1.3' ? 19 : 16, ...costs, salt, hash };
  }
  const digest = credentialData.algorithm === 'pbkdf2' ? 'sha1' : (credentialData.algorithm.slice('pbkdf2-'.length) as 'sha256' | 'sha512');
  return { scheme: 'pbkdf2', digest, iterations: credentialData.hashIterations, salt, hash };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const DIGEST_BYTES = { sha1: 20, sha256: 32, sha512: 64 } as const;

function problemOf(hash: PasswordHash): string | undefined {
  const problem = IMPORTED_HASH_PROBLEM;
  if (hash.scheme === 'bcrypt') return hash.cost < 4 || hash.cost > 14 ? problem.bcryptCost : undefined;
  if (hash.hash.length < 16 || hash.hash.length > 128) return problem.hashLength;
  if (hash.salt.length > 128) return problem.saltLength;
  if (hash.scheme === 'argon2') {
    if (hash.salt.length < 8) return problem.argon2Salt;
    if (hash.lanes > 16) return problem.argon2Lanes;
    if (hash.memoryKib < 8 * hash.lanes || hash.memoryKib > 262_144) return problem.argon2Memory;
    return hash.passes > 20 ? problem.argon2Passes : undefined;
  }
  if (hash.scheme === 'pbkdf2') {
    if (hash.iterations > MAX_PBKDF2_ITERATIONS) return problem.pbkdf2Iterations;
    return hash.iterations * Math.ceil(hash.hash.length / DIGEST_BYTES[hash.digest]) > MAX_PBKDF2_BLOCK_ITERATIONS ? problem.pbkdf2Work : undefined;
  }
  if (hash.blockSize > 32) return problem.scryptBlockSize;
  if (128 * 2 ** hash.logN * hash.blockSize > MAX_SCRYPT_TABLE_BYTES) return problem.scryptMemory;
  return hash.parallelization > 16 ? problem.scryptParallelization : undefined;
}
