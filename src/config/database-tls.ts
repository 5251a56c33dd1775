import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readFileOf } from './pem-file.js';

/** `required` keeps others from listening, `verify-full` also from answering in the place of the database. */
export const DATABASE_TLS_MODES = ['off', 'required', 'verify-full'] as const;

export interface DatabaseTls {
  readonly mode: 'required' | 'verify-full';
  /** PEM. Absent: the authorities that Node.js trusts. */
  readonly ca?: string;
  /** For a server that asks its clients for one. */
  readonly certificate?: { readonly cert: string; readonly key: string };
}

interface DatabaseTlsSettings {
  readonly databaseTls?: (typeof DATABASE_TLS_MODES)[number];
  readonly databaseCaFile?: string;
  readonly databaseCertFile?: string;
  readonly databaseKeyFile?: string;
}

/** @throws {Error} with one clear line */
export function readDatabaseTls(raw: DatabaseTlsSettings, isEmbedded: boolean): DatabaseTls | undefined {
  const { databaseCaFile, databaseCertFile, databaseKeyFile } = raw;
  const mode = raw.databaseTls ?? (databaseCaFile === undefined ? 'off' : 'verify-full');
  const files = {
    DATABASE_CA_FILE: databaseCaFile,
    DATABASE_CERT_FILE: databaseCertFile,
    DATABASE_KEY_FILE: databaseKeyFile,
  };
  const [file] = Object.entries(files).find(([, given]) => given !== undefined) ?? [];
  if (isEmbedded && (file !== undefined || mode !== 'off')) {
    throw new Error(`${file ?? 'DATABASE_TLS'}: means nothing for an embedded database`);
  }
  if (mode === 'off') {
    if (file !== undefined) throw new Error(`${file}: means nothing without DATABASE_TLS=required or verify-full`);
    return undefined;
  }
  const ca = databaseCaFile === undefined ? undefined : readAuthorities(databaseCaFile);
  const certificate = readCertificate(databaseCertFile, databaseKeyFile);
  return Object.freeze({ mode, ...(ca === undefined ? {} : { ca }), ...(certificate ? { certificate } : {}) });
}

/** Each is parsed: Node.js passes over what is none, and would then trust nobody, or not whom it was told to. */
function readAuthorities(file: string): string {
  const pem = readFileOf('DATABASE_CA_FILE', file);
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length === 0) throw new Error('no certificate');
    for (const block of blocks) new X509Certificate(block);
  } catch (error) {
    throw new Error('DATABASE_CA_FILE: does not hold PEM certificates', { cause: error });
  }
  return pem;
}

function readCertificate(certFile: string | undefined, keyFile: string | undefined): DatabaseTls['certificate'] {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new Error('DATABASE_CERT_FILE and DATABASE_KEY_FILE go together: one of them is missing');
  }
  const cert = readFileOf('DATABASE_CERT_FILE', certFile);
  const key = readFileOf('DATABASE_KEY_FILE', keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const detail = 'do not hold a PEM certificate and its private key';
    throw new Error(`DATABASE_CERT_FILE, DATABASE_KEY_FILE: ${detail}`, { cause: error });
  }
  return Object.freeze({ cert, key });
}
