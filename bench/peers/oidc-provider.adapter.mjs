// Where node-oidc-provider keeps things when it is given a database: a table for each of its models, with the payload as JSON and what is asked for in
// columns that have an index. Every statement is prepared once for each connection and commits by itself.

const MODELS = {
  AccessToken: 'access_tokens',
  AuthorizationCode: 'authorization_codes',
  BackchannelAuthenticationRequest: 'backchannel_requests',
  Client: 'clients',
  ClientCredentials: 'client_credentials',
  DeviceCode: 'device_codes',
  Grant: 'grants',
  InitialAccessToken: 'initial_access_tokens',
  Interaction: 'interactions',
  PushedAuthorizationRequest: 'pushed_requests',
  RefreshToken: 'refresh_tokens',
  RegistrationAccessToken: 'registration_access_tokens',
  ReplayDetection: 'replays',
  Session: 'sessions',
};

const CONNECTIONS = 10;

const nowSeconds = () => Math.floor(Date.now() / 1000);

const createTable = (table) => `CREATE TABLE ${table} (
  id VARCHAR(128) NOT NULL PRIMARY KEY,
  grant_id VARCHAR(128),
  uid VARCHAR(128),
  user_code VARCHAR(128),
  payload MEDIUMTEXT NOT NULL,
  consumed_at BIGINT,
  expires_at BIGINT,
  KEY (grant_id),
  KEY (uid),
  KEY (user_code)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`;

/** @returns the class that node-oidc-provider makes one of for each model, once its tables are there */
export async function mysqlAdapter(mysql, connection) {
  const pool = mysql.createPool({ ...connection, connectionLimit: CONNECTIONS });
  for (const table of Object.values(MODELS)) await pool.query(createTable(table));

  return class {
    constructor(model) {
      this.table = MODELS[model];
    }

    async upsert(id, payload, expiresIn) {
      const { grantId = null, uid = null, userCode = null } = payload;
      await pool.execute(
        `INSERT INTO ${this.table} (id, grant_id, uid, user_code, payload, expires_at) VALUES (?, ?, ?, ?, ?, ?)
          ON DUPLICATE KEY UPDATE grant_id = VALUES(grant_id), uid = VALUES(uid), user_code = VALUES(user_code), payload = VALUES(payload), expires_at = VALUES(expires_at)`,
        [id, grantId, uid, userCode, JSON.stringify(payload), expiresIn ? nowSeconds() + expiresIn : null],
      );
    }

    find(id) {
      return this.findBy('id', id);
    }

    findByUid(uid) {
      return this.findBy('uid', uid);
    }

    findByUserCode(userCode) {
      return this.findBy('user_code', userCode);
    }

    async findBy(column, value) {
      const [[row]] = await pool.execute(`SELECT payload, consumed_at FROM ${this.table} WHERE ${column} = ? AND (expires_at IS NULL OR expires_at > ?)`, [value, nowSeconds()]);
      if (!row) return undefined;
      const payload = JSON.parse(row.payload);
      return row.consumed_at === null ? payload : { ...payload, consumed: row.consumed_at };
    }

    async consume(id) {
      await pool.execute(`UPDATE ${this.table} SET consumed_at = ? WHERE id = ?`, [nowSeconds(), id]);
    }

    async destroy(id) {
      await pool.execute(`DELETE FROM ${this.table} WHERE id = ?`, [id]);
    }

    async revokeByGrantId(grantId) {
      await pool.execute(`DELETE FROM ${this.table} WHERE grant_id = ?`, [grantId]);
    }
  };
}
