import 'reflect-metadata';
import { MintgateServer } from '../app.setup.js';
import { Logger } from '../common/logging/logger.js';
import { readEnvironment } from '../config/environment.js';
import { loadConfig } from '../config/load-config.js';
import { Cleanup } from '../database/cleanup.js';
import { Startup } from '../database/startup.js';

/**
 * `npm run cleanup` deletes what has expired now, beside running servers or without one; `npm run cleanup -- --dry-run` only counts it. Prints a line of JSON:
 * rows by table.
 */
async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => arg !== '--dry-run');
  if (unknown.length > 0) {
    process.stderr.write(`cleanup: unknown argument ${unknown[0]}\nusage: npm run cleanup [-- --dry-run]\n`);
    return 2;
  }
  const server = await MintgateServer.create(loadConfig(readEnvironment()), new Logger('warn'));
  try {
    // No more than connected: migrations and first keys are for a server that starts.
    await server.app.get(Startup, { strict: false }).connect();
    const cleanup = server.app.get(Cleanup, { strict: false });
    const result = args.length > 0 ? {} : { deleted: await everyRound(cleanup) };
    process.stdout.write(`${JSON.stringify({ ...result, backlog: await cleanup.backlog() })}\n`);
    return 0;
  } finally {
    await server.stop();
  }
}

/** Rounds until one finds nothing, or a running server is at it. */
async function everyRound(cleanup: Cleanup): Promise<Record<string, number>> {
  const total: Record<string, number> = {};
  for (;;) {
    const round = Object.entries(await cleanup.run());
    for (const [kind, rows] of round) total[kind] = (total[kind] ?? 0) + rows;
    if (round.every(([, rows]) => rows === 0)) return total;
  }
}

void main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`cleanup: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
