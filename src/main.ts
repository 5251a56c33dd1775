import './early-stop.js';
import './standard-streams.js';
import './young-generation.js';
import 'reflect-metadata';
import cluster from 'node:cluster';
import { Logger } from './common/logging/logger.js';
import { endedOn } from './common/node-release.js';
import type { Config } from './config/config.js';
import { ConfigurationError } from './config/configuration-error.js';
import { readEnvironment } from './config/environment.js';
import { loadConfig } from './config/load-config.js';
import { EX_CONFIG, isWorker, receiveConfiguration, Workers } from './workers.js';

function readConfig(): Config {
  try {
    return loadConfig(readEnvironment());
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) process.stderr.write(`mintgate: ${problem}\n`);
    process.exit(EX_CONFIG);
  }
}

async function start(): Promise<void> {
  const config = isWorker() ? await receiveConfiguration() : readConfig();
  const logger = new Logger(config.logLevel);
  if (!isWorker()) warnOfOldNode(logger);
  if (config.workers > 1 && cluster.isPrimary) new Workers(config, logger).run();
  else await runServer(config, logger);
}

function warnOfOldNode(logger: Logger): void {
  const day = endedOn(process.version, Date.now());
  if (day !== undefined) logger.warn('this release of Node.js gets no security fixes any more: use Node.js 22 or later', { node: process.version, ended_on: day });
}

/** The server is loaded by the processes that serve alone, and after what traces it. */
async function runServer(config: Config, logger: Logger): Promise<void> {
  const tracing = config.tracing && (await import('./common/tracing/start-tracing.js')).startTracing(config.tracing, new URL(config.issuer).pathname.replace(/\/$/, ''), logger);
  await (await import('./serve.js')).serve(config, logger, tracing);
}

start().catch((error: unknown) => {
  process.stderr.write(`mintgate: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}\n`);
  process.exit(1);
});
