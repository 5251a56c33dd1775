import { connect, isIP, type Socket } from 'node:net';
import type { DatabaseTls } from '../config/database-tls.js';

interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls?: DatabaseTls;
}

/** Options of mysql2 for a connection over TLS. */
export interface TlsOptions {
  readonly ssl?: object;
  readonly stream?: () => Socket;
}

/** Not frozen: mysql2 completes `ssl` in place, and keeps what it made of the certificates by that very object. */
export function tlsOptions({ host, port, tls }: Target): TlsOptions {
  if (!tls) return {};
  const ssl = {
    ca: tls.ca,
    ...tls.certificate,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: tls.mode === 'verify-full' || tls.ca !== undefined,
    verifyIdentity: tls.mode === 'verify-full',
  };
  return isIP(host) ? { ssl, stream: () => connectToAddress(host, port) } : { ssl };
}

/**
 * mysql2 gives TLS the name of a host but not an address, in whose place TLS expects a certificate for `localhost`.
 * Node.js takes it from the socket below, which knows only names that were looked up.
 */
const connectToAddress = (host: string, port: number): Socket =>
  Object.assign(connect({ host, port, noDelay: true, keepAlive: true }), { _host: host });

interface HandshakeError {
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly message?: string;
}

const TLS_DEMANDED = 3159;

/** Why TLS with the database will go on failing until somebody changes something; `undefined` for other errors. */
export function tlsRefusal(error: unknown): string | undefined {
  const { code, errno, syscall, message = '' } = (error ?? {}) as HandshakeError;
  if (errno === TLS_DEMANDED) {
    return 'DATABASE_TLS: is off, and the database server demands TLS; set verify-full, and DATABASE_CA_FILE';
  }
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return 'DATABASE_TLS: the database server offers no TLS';
  const isNetworkFailure = syscall !== undefined || /socket disconnected|ECONNRESET|EPIPE|ETIMEDOUT/.test(message);
  if (code !== 'HANDSHAKE_SSL_ERROR' || isNetworkFailure) return undefined;
  return `DATABASE_TLS, DATABASE_CA_FILE: no TLS with the database server: ${message}`;
}
