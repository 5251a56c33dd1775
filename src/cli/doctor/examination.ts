import { DataSource } from 'typeorm';
import { MintgateServer } from '../../app.setup.js';
import { SecretBox } from '../../common/crypto/secret-box.js';
import { Logger } from '../../common/logging/logger.js';
import { endedOn } from '../../common/node-release.js';
import type { Config } from '../../config/config.js';
import { readEnvironment } from '../../config/environment.js';
import { Cleanup } from '../../database/cleanup.js';
import { Database } from '../../database/database.js';
import { Schema } from '../../database/schema.js';
import { KeyRewrap } from '../../keys/key-rewrap.js';
import { SigningKeysRepository } from '../../keys/signing-keys.repository.js';
import { databaseFailure } from '../failure.js';
import { isDatabaseMissing } from '../services.js';
import { backlogFinding, clientFindings } from './clients.js';
import { type Environment, problemsOf, readConfiguration } from './configuration.js';
import { databaseFindings, encryptionFinding, schemaFinding, tableFindings } from './database.js';
import { DoctorRepository } from './doctor.repository.js';
import { fileFindings } from './files.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { keyFindings, opens, sealedFindings } from './keys.js';

export type Area = 'node' | 'configuration' | 'files' | 'database' | 'keys and clients';
export type AreaFinding = { area: Area } & Finding;

/** Looks at everything that production needs. Makes and changes nothing: no file, no folder, no row. */
export async function examine(): Promise<AreaFinding[]> {
  const found: AreaFinding[] = [];
  const add = (area: Area, ...findings: Finding[]) => found.push(...findings.map((finding) => ({ area, ...finding })));
  add('node', nodeFinding());
  let env: Environment;
  try {
    env = readEnvironment();
  } catch (error) {
    add('configuration', ...problemsOf(error));
    return found;
  }
  const { findings, config, keyKnown } = readConfiguration(env);
  add('configuration', ...findings);
  add('files', ...fileFindings(env, config));
  if (!config) add('database', problem('database', 'was not looked at: the configuration has to be right first'));
  else if (isDatabaseMissing(config)) add('database', problem('database', 'there is none yet', 'mintgate migrate, or mintgate start, which makes its tables and its signing keys'));
  else await examineDatabase(config, keyKnown, add);
  return found;
}

function nodeFinding(): Finding {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) return problem('Node.js', `${node} is too old`, 'Node.js 22 or later');
  const day = endedOn(node, Date.now());
  return day === undefined ? ok('Node.js', node) : warning('Node.js', `${node} has had no security fixes since ${day}`, 'Node.js 22 or later');
}

async function examineDatabase(config: Config, keyKnown: boolean, add: (area: Area, ...findings: Finding[]) => void): Promise<void> {
  const { app } = await MintgateServer.create({ ...config, docsEnabled: false }, new Logger('silent'));
  const dataSource = app.get(DataSource, { strict: false });
  add('database', ...encryptionFinding(config));
  try {
    await dataSource.initialize();
    const repository = new DoctorRepository(app.get(Database, { strict: false }));
    add('database', ...(await databaseFindings(config, repository)));
    const schema = await app.get(Schema, { strict: false }).state();
    add('database', schemaFinding(schema));
    if (schema.pending.length > 0) return;
    add('database', ...(await tableFindings(config, repository)));
    const nowMs = Date.now();
    const keys = await app.get(SigningKeysRepository, { strict: false }).all();
    const box = keyKnown ? app.get(SecretBox, { strict: false }) : undefined;
    add('keys and clients', ...keyFindings(config, keys, box, nowMs));
    const sealed = await app.get(KeyRewrap, { strict: false }).count();
    add('keys and clients', ...sealedFindings(config, sealed, keys.every((key) => opens(key, box))));
    add('keys and clients', ...(await clientFindings(config, repository, nowMs)));
    add('keys and clients', backlogFinding(await app.get(Cleanup, { strict: false }).backlog()));
  } catch (error) {
    const failure = databaseFailure(error);
    if (failure === undefined) throw error;
    add('database', problem('database', failure.replace(/^the database /, ''), 'DATABASE_URL, the network in between, and the database itself'));
  } finally {
    await app.close();
    // Not waited for: a server that does not answer would keep us.
    if (dataSource.isInitialized) void dataSource.destroy().catch(() => undefined);
  }
}
