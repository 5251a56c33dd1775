import { AuditLog } from '../../audit/audit-log.js';
import { readEnvironment } from '../../config/environment.js';
import { loadConfig } from '../../config/load-config.js';
import { MIGRATIONS } from '../../database/migrations/index.js';
import { Schema } from '../../database/schema.js';
import { Startup } from '../../database/startup.js';
import { operator } from '../operator.js';
import { note, print, printJson } from '../output.js';
import { isDatabaseMissing, readConfig, withApplication } from '../services.js';

export async function migrate({ status, json }: { status?: boolean; json?: boolean }): Promise<number> {
  if (status) return showStatus(json);
  const done = await withApplication(loadConfig(readEnvironment()), async ({ app }) => {
    const startup = app.get(Startup, { strict: false });
    await startup.connect();
    const { pending } = await app.get(Schema, { strict: false }).state();
    if (pending.length > 0) note(`Running ${pending.length} migrations...`);
    const migrations = await startup.migrate();
    if (migrations.length > 0) await app.get(AuditLog, { strict: false }).record({ type: 'database.migrated', actor: operator().actor, detail: { migrations } });
    return migrations;
  });
  if (json) printJson({ migrated: done });
  else print([...done, done.length === 0 ? 'The tables are up to date.' : `${done.length} migrations have run.`].join('\n'));
  return 0;
}

/** Makes nothing, no embedded database either. */
async function showStatus(json: boolean | undefined): Promise<number> {
  const { config } = readConfig();
  const pending = isDatabaseMissing(config)
    ? MIGRATIONS.map(({ name }) => name)
    : await withApplication(config, async ({ app }) => {
        await app.get(Startup, { strict: false }).connect();
        return (await app.get(Schema, { strict: false }).state()).pending;
      });
  if (json) printJson({ pending });
  else print(pending.length === 0 ? `All ${MIGRATIONS.length} migrations have run.` : [`${pending.length} of ${MIGRATIONS.length} migrations wait:`, ...pending].join('\n'));
  return pending.length === 0 ? 0 : 1;
}
