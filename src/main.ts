import 'reflect-metadata';
import cluster from 'node:cluster';
import { MintgateServer } from './app.setup.js';
import type { FreshAdmin } from './clients/bootstrap-client.js';
import { Logger } from './common/logging/logger.js';
import type { Config } from './config/config.js';
import { ConfigurationError } from './config/configuration-error.js';
import { readEnvironment } from './config/environment.js';
import { loadConfig } from './config/load-config.js';
import { FatalStartupError } from './database/startup.js';
import { EX_CONFIG, runWorkers } from './workers.js';

function readConfig(): Config {
  try {
    return loadConfig(readEnvironment());
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) process.stderr.write(`mintgate: ${problem}\n`);
    process.exit(EX_CONFIG);
  }
}

async function serve(config: Config): Promise<void> {
  const logger = new Logger(config.logLevel);
  process.on('unhandledRejection', (reason) => logger.failure('unhandled rejection', reason));
  const server = await MintgateServer.create(config, logger);
  let stopping: Promise<void> | undefined;
  const stop = (signal: string) => {
    if (stopping && signal === 'SIGINT') process.exit(130);
    stopping ??= (async () => {
      logger.info('stopping', { signal });
      await server.stop().catch((error: unknown) => logger.failure('stopping', error));
      logger.info('stopped');
      logger.flush();
      process.exit(0);
    })();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  try {
    await server.listen();
    const { fresh } = await server.ready();
    if (stopping) return;
    if (fresh) process.stdout.write(welcome(config.issuer, fresh));
    logger.info('ready', { issuer: config.issuer, host: config.host, port: config.port, ...(config.management ? { management_host: config.management.host, management_port: config.management.port } : {}) });
  } catch (error) {
    process.stderr.write(`mintgate: ${explain(error, config)}\n`);
    process.exit(error instanceof FatalStartupError ? EX_CONFIG : 1);
  }
}

function explain(error: unknown, config: Config): string {
  if (error instanceof FatalStartupError) return error.message;
  const { code, port: refused } = error as NodeJS.ErrnoException & { port?: number };
  const management = config.management && refused === config.management.port ? config.management : undefined;
  const prefix = management ? 'MANAGEMENT_' : '';
  const { host, port } = management ?? config;
  if (code === 'EADDRINUSE') return `${prefix}PORT: ${host}:${port} is in use by another process`;
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') return `${prefix}HOST, ${prefix}PORT: ${host}:${port} cannot be listened on (${code})`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function welcome(issuer: string, { clientId, clientSecret }: FreshAdmin): string {
  return [
    '',
    'Mintgate is ready, and has made its first admin client. The secret is shown this once: only its digest is stored.',
    '',
    `  issuer         ${issuer}`,
    `  client id      ${clientId}`,
    `  client secret  ${clientSecret}`,
    '',
    'A first token:',
    '',
    `  curl -s -u ${clientId}:${clientSecret} -d grant_type=client_credentials ${issuer}/oauth/token`,
    '',
    '',
  ].join('\n');
}

const config = readConfig();
if (config.workers > 1 && cluster.isPrimary) runWorkers(config.workers);
else void serve(config);
