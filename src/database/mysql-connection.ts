/** A connection of mysql2, as far as we use it. */
export interface PooledConnection {
  execute(sql: string, parameters: readonly unknown[], done: Done): void;
  query(sql: string, done: Done): void;
  query(sql: string, parameters: readonly unknown[], done: Done): void;
  unprepare(sql: string): unknown;
  on(event: 'error', listener: () => void): unknown;
  destroy(): void;
  release(): void;
}

export type Result = readonly unknown[] | { affectedRows: number };
export type Done = (error: (Error & { errno?: number }) | null, result: Result) => void;

/** mysql2's pool. It exposes the use of connections to listeners alone. */
export interface Pool {
  config: { connectionLimit: number };
  _allConnections: { length: number };
  _freeConnections: { length: number; get(index: number): PooledConnection };
  _connectionQueue: { length: number };
  getConnection(done: (error: Error | null, connection: PooledConnection) => void): void;
  end(done: (error: Error | null) => void): void;
}
