import { setTimeout as sleep } from 'node:timers/promises';
import { MintgateServer } from './app.setup.js';
import type { FreshAdmin } from './clients/bootstrap-client.js';
import type { Logger } from './common/logging/logger.js';
import type { Config } from './config/config.js';
import { FatalStartupError } from './database/fatal-startup.error.js';
import { stopAtOnce } from './early-stop.js';
import { endProcess, endWithin } from './process-end.js';
import { EX_CONFIG, isReplacement } from './workers.js';

/** A worker in the place of another leaves requests to the others until it can answer them: not for longer, lest a database that is away make it look as if it were not alive. */
const UNHEARD_MS = 5_000;

/**
 * Runs the server in this process until a signal stops it, and ends the process.
 * @param stopTracing sends what is left of the traces
 */
export async function serve(config: Config, logger: Logger, stopTracing?: () => Promise<void>): Promise<void> {
  process.on('unhandledRejection', (reason) => logger.failure('unhandled rejection', reason));
  const server = await MintgateServer.create(config, logger);
  let stopping: Promise<void> | undefined;
  const stop = (signal: string) => {
    if (stopping && signal === 'SIGINT') process.exit(130);
    stopping ??= (async () => {
      endWithin(config.shutdownTimeoutSeconds * 1000);
      logger.info('stopping', { signal });
      await server.stop().catch((error: unknown) => logger.failure('stopping', error));
      await stopTracing?.();
      logger.info('stopped');
      await endProcess(0, logger);
    })();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).off('SIGTERM', stopAtOnce);
  try {
    if (isReplacement(config.workers)) await Promise.race([server.ready(), sleep(UNHEARD_MS, undefined, { ref: false })]);
    await server.listen();
    const { fresh } = await server.ready();
    if (stopping) return;
    if (fresh) process.stdout.write(welcome(config.issuer, fresh));
    logger.info('ready', { issuer: config.issuer, host: config.host, port: config.port, ...(config.management ? { management_host: config.management.host, management_port: config.management.port } : {}) });
  } catch (error) {
    process.stderr.write(`mintgate: ${explain(error, config)}\n`);
    await endProcess(error instanceof FatalStartupError ? EX_CONFIG : 1, logger);
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
