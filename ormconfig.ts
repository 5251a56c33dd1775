import 'reflect-metadata';
import { ENTITIES } from './src/app.entities.js';
import { readEnvironment } from './src/config/environment.js';
import { loadConfig } from './src/config/load-config.js';
import { createDataSource } from './src/database/data-source.js';

/** The DataSource that the TypeORM CLI uses, as dist/ormconfig.js: made exactly as the server makes its own. */
export default createDataSource(loadConfig(readEnvironment()), ENTITIES);
