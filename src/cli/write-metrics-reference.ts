import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { MintgateServer } from '../app.setup.js';
import { Logger } from '../common/logging/logger.js';
import { Metrics } from '../common/metrics/metrics.js';
import { loadConfig } from '../config/load-config.js';
import { metricsReference } from '../metrics/reference.js';

/** From the server itself, since each part of it says what it counts. It does not listen, and asks no database. */
async function write(): Promise<void> {
  const config = loadConfig({ KEY_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') });
  const { app } = await MintgateServer.create(config, new Logger('error'));
  mkdirSync('docs/reference', { recursive: true });
  writeFileSync('docs/reference/metrics.md', metricsReference(app.get(Metrics).definitions));
}

void write();
