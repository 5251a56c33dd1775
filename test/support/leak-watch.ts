import { existsSync } from 'node:fs';
import libsql from 'libsql';
import { type Setting, SETTINGS } from '../../src/config/settings.js';

/** What secrets, and digests of them, look like (SHA-256 in hex, password hashes). */
const SHAPES: Readonly<Record<string, RegExp>> = {
  'an opaque secret or token': /mg_(?:cs|at|rt|ac|ss|ar)_[\w-]{16,}/,
  'a JWT': /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/,
  'a private key': /PRIVATE KEY|"d":"[\w-]{40,}"/,
  'a password hash': /\$(?:argon2|2[aby]\$|pbkdf2|scrypt)/,
  'a digest': /(?<![\da-f])[\da-f]{64}(?![\da-f])/,
  'credentials in a URL': /:\/\/[^\s"/:@]+:[^\s"/@]+@/,
  'credentials in a header': /\b(?:Basic|Bearer) [\w+/=.-]{16,}/,
};

/** Shorter ones could stand in a text by chance. */
const MIN_LENGTH = 10;
const planted = new Set<string>();

/** From now on nothing that the server tells of itself may hold these: what no shape gives away, such as passwords. */
export function plant(...secrets: readonly string[]): void {
  for (const secret of secrets) if (secret.length >= MIN_LENGTH) planted.add(secret);
}

/** What a server is configured with, of which it may tell nothing. Of the database's URL that is the password, in the words of the URL. */
export function plantSettings(env: Readonly<Record<string, string | undefined>>): void {
  for (const { env: name, secret } of Object.values<Setting<unknown>>(SETTINGS)) {
    const value = env[name];
    if (!secret || value === undefined) continue;
    if (name === 'DATABASE_URL') plant(/^[a-z]+:\/\/[^:@/]*:([^@/]*)@/.exec(value)?.[1] ?? '');
    else plant(value);
  }
}

/** @throws {Error} when a text holds something that looks like a secret, or one of the planted ones (security.md S6) */
export function assertNoSecret(where: string, text: string): void {
  for (const [what, shape] of Object.entries(SHAPES)) {
    const found = shape.exec(text);
    if (found) throw new Error(`${where} holds ${what}: ${around(text, found.index)}`);
  }
  for (const secret of planted) {
    // As JSON, URLs and forms would write it, too.
    for (const spelling of new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), Buffer.from(secret).toString('base64')])) {
      const index = text.indexOf(spelling);
      if (index >= 0) throw new Error(`${where} holds the secret "${secret}": ${around(text, index)}`);
    }
  }
}

/** @param rows of the table, every column */
export function assertNoSecretIn(table: string, rows: readonly object[]): void {
  assertNoSecret(`the table ${table}`, rows.map((row) => Object.values(row).map(String).join('\t')).join('\n'));
}

/** The audit log of an embedded database, once its server has ended; of one that was never set up there is none. */
export function assertNoSecretInAuditOf(path: string): void {
  if (!existsSync(path)) return;
  const database = new libsql(path);
  try {
    const exists = database.prepare("SELECT name FROM sqlite_master WHERE name = 'audit_events'").get() as object | undefined;
    if (exists) assertNoSecretIn('audit_events', database.prepare('SELECT * FROM audit_events').all() as object[]);
  } finally {
    database.close();
  }
}

const around = (text: string, index: number): string => JSON.stringify(text.slice(Math.max(0, index - 160), index + 120));
