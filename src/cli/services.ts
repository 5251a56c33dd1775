import 'reflect-metadata';
import { existsSync, statSync } from 'node:fs';
import type { Type } from '@nestjs/common';
import type { Administrator } from '../admin/administrator.js';
import { MintgateServer } from '../app.setup.js';
import { Logger } from '../common/logging/logger.js';
import type { Config } from '../config/config.js';
import { readEnvironment } from '../config/environment.js';
import { keyEncryptionKeyIn } from '../config/key-encryption-key.js';
import { loadConfig } from '../config/load-config.js';
import { Schema } from '../database/schema.js';
import { Startup } from '../database/startup.js';
import { KeyRing } from '../keys/key-ring.js';
import { StoredSecrets } from '../keys/stored-secrets.js';
import { CommandFailure, ReportedFailure } from './failure.js';
import { operator } from './operator.js';

/** The services of the server in this process, on its database, while nothing listens. */
export interface Services {
  readonly get: <T>(service: Type<T>) => T;
  /** Who runs the command. */
  readonly admin: Administrator;
}

/**
 * Runs a command that needs the services, on a database that is there and up to date.
 * @throws {CommandFailure} when it is not
 */
export async function withServices<T>(work: (services: Services) => Promise<T>): Promise<T> {
  const { config, keyKnown } = readConfig();
  if (isDatabaseMissing(config)) throw new CommandFailure(`there is no database yet (${(config.database as { path: string }).path}): mintgate start, or mintgate migrate, makes it`);
  if (!keyKnown) throw new CommandFailure('KEY_ENCRYPTION_KEY is not set, and no server has made one here yet: set it, or run mintgate start first');
  return withApplication(config, async (server) => {
    const get = <S>(service: Type<S>): S => server.app.get(service, { strict: false });
    // No more than connected: migrations and first keys are for a server that starts.
    await get(Startup).connect();
    const { pending } = await get(Schema).state();
    if (pending.length > 0) throw new CommandFailure(`the tables are not up to date (${pending.length} migrations wait): mintgate migrate`);
    await get(KeyRing).open();
    await get(StoredSecrets).load();
    return work({ get, admin: operator() });
  });
}

/** Runs work on the application as a server builds it, not connected yet, and takes it down. Failures that its services report end the command with 1. */
export async function withApplication<T>(config: Config, work: (server: MintgateServer) => Promise<T>): Promise<T> {
  const log = new FailureLines();
  const server = await MintgateServer.create({ ...config, docsEnabled: false }, new Logger('warn', log));
  try {
    const result = await work(server);
    if (log.failed) throw new ReportedFailure();
    return result;
  } finally {
    await server.stop();
  }
}

/** The configuration as a server would read it, without making what it would make. @throws {ConfigurationError} */
export function readConfig(): { config: Config; keyKnown: boolean } {
  let keyKnown = true;
  const config = loadConfig(readEnvironment(), (file) => keyEncryptionKeyIn(file) ?? ((keyKnown = false), Buffer.alloc(32)));
  return { config, keyKnown };
}

/** Of an embedded database: to open a file that is not there would make it. */
export const isDatabaseMissing = ({ database }: Config): boolean => database.type === 'sqlite' && (!existsSync(database.path) || statSync(database.path).size === 0);

/** What the services log, as lines for a person. */
class FailureLines {
  failed = false;

  write(line: string): void {
    const { level, msg, error } = JSON.parse(line) as { level: string; msg: string; error?: { code?: string; cause?: { code?: string } } };
    this.failed ||= level === 'error' || level === 'fatal';
    const code = error?.code ?? error?.cause?.code;
    process.stderr.write(`mintgate: ${msg}${code === undefined ? '' : ` (${code})`}\n`);
  }
}
