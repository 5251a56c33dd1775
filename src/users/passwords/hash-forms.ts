export interface Argon2Hash {
  readonly scheme: 'argon2';
  readonly type: 'id' | 'i' | 'd';
  /** 16 = Argon2 1.0, 19 = 1.3 (RFC 9106). */
  readonly version: 16 | 19;
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

export interface BcryptHash {
  readonly scheme: 'bcrypt';
  /** log2 of the rounds. */
  readonly cost: number;
  /** `$2b$<cost>$`, 22 characters of salt, 31 of hash. */
  readonly text: string;
}

/** RFC 8018 §5.2 with HMAC. */
export interface Pbkdf2Hash {
  readonly scheme: 'pbkdf2';
  readonly digest: 'sha1' | 'sha256' | 'sha512';
  readonly iterations: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** RFC 7914. */
export interface ScryptHash {
  readonly scheme: 'scrypt';
  /** log2 of N. */
  readonly logN: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** A password hash, taken apart. As text: a PHC string, or bcrypt's own modular crypt form. */
export type PasswordHash = Argon2Hash | BcryptHash | Pbkdf2Hash | ScryptHash;

/** A decimal number without a sign or leading zeros, for a regular expression. */
export const DECIMAL = '([1-9]\\d{0,9})';

const ARGON2 = new RegExp(`^\\$argon2(id|i|d)(?:\\$v=(16|19))?\\$m=${DECIMAL},t=${DECIMAL},p=${DECIMAL}\\$([^$]*)\\$([^$]*)$`);
// The last characters of salt and hash have bits that stand for nothing; where one of them is set, the verification knows no such hash.
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;
const PBKDF2 = new RegExp(`^\\$pbkdf2-(sha1|sha256|sha512)\\$i=${DECIMAL}(?:,l=${DECIMAL})?\\$([^$]*)\\$([^$]*)$`);
const SCRYPT = new RegExp(`^\\$scrypt\\$ln=${DECIMAL},r=${DECIMAL},p=${DECIMAL}\\$([^$]*)\\$([^$]*)$`);

/** `undefined` for anything but a well-formed hash. The costs are not judged. */
export function parseHash(text: string): PasswordHash | undefined {
  return parseArgon2(text) ?? parseBcrypt(text) ?? parsePbkdf2(text) ?? parseScrypt(text);
}

/** The text that `parseHash` reads, in its one canonical spelling. */
export function formatHash(hash: PasswordHash): string {
  switch (hash.scheme) {
    case 'argon2':
      return `$argon2${hash.type}$v=${hash.version}$m=${hash.memoryKib},t=${hash.passes},p=${hash.lanes}${saltAndHash(hash)}`;
    case 'bcrypt':
      return hash.text;
    case 'pbkdf2':
      return `$pbkdf2-${hash.digest}$i=${hash.iterations}${saltAndHash(hash)}`;
    case 'scrypt':
      return `$scrypt$ln=${hash.logN},r=${hash.blockSize},p=${hash.parallelization}${saltAndHash(hash)}`;
  }
}

/** The bytes behind base64 without padding (RFC 4648 §3.2), in its canonical encoding only; `undefined` for anything else. */
export function fromUnpaddedBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return unpaddedBase64(bytes) === text ? bytes : undefined;
}

/** The same for base64 with padding (RFC 4648 §4). */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function parseArgon2(text: string): Argon2Hash | undefined {
  const [, type, version, memoryKib, passes, lanes, salt, hash] = ARGON2.exec(text) ?? [];
  const bytes = decodeBoth(salt, hash);
  if (!bytes) return undefined;
  const costs = { memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) };
  // Argon2 1.0 wrote no version.
  return { scheme: 'argon2', type: type as Argon2Hash['type'], version: version === '19' ? 19 : 16, ...costs, ...bytes };
}

function parseBcrypt(text: string): BcryptHash | undefined {
  const match = BCRYPT.exec(text);
  return match ? { scheme: 'bcrypt', cost: Number(match[1]), text } : undefined;
}

function parsePbkdf2(text: string): Pbkdf2Hash | undefined {
  const [, digest, iterations, length, salt, hash] = PBKDF2.exec(text) ?? [];
  const bytes = decodeBoth(salt, hash);
  if (!bytes || (length !== undefined && Number(length) !== bytes.hash.length)) return undefined;
  return { scheme: 'pbkdf2', digest: digest as Pbkdf2Hash['digest'], iterations: Number(iterations), ...bytes };
}

function parseScrypt(text: string): ScryptHash | undefined {
  const [, logN, blockSize, parallelization, salt, hash] = SCRYPT.exec(text) ?? [];
  const bytes = decodeBoth(salt, hash);
  return bytes && { scheme: 'scrypt', logN: Number(logN), blockSize: Number(blockSize), parallelization: Number(parallelization), ...bytes };
}

function decodeBoth(salt: string | undefined, hash: string | undefined): { salt: Buffer; hash: Buffer } | undefined {
  if (salt === undefined || hash === undefined) return undefined;
  const [saltBytes, hashBytes] = [fromUnpaddedBase64(salt), fromUnpaddedBase64(hash)];
  return saltBytes && hashBytes && { salt: saltBytes, hash: hashBytes };
}

const unpaddedBase64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

const saltAndHash = ({ salt, hash }: { salt: Buffer; hash: Buffer }) => `$${unpaddedBase64(salt)}$${unpaddedBase64(hash)}`;
