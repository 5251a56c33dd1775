import type { ChildProcess } from 'node:child_process';

export interface Mariadb {
  readonly port: number;
  child: ChildProcess;
  waitUntilUp(): Promise<void>;
  start(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  remove(): Promise<void>;
}

export function startMariadb(options?: string[]): Promise<Mariadb | undefined>;
export function freePort(): Promise<number>;
