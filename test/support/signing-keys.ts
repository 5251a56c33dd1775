import type { JSONWebKeySet } from 'jose';
import { type Answer, decodeJwt } from './oauth-driver.js';
import type { TestServer } from './test-server.js';

/** A signing key as the admin API shows it. */
export interface Key {
  kid: string;
  alg: string;
  status: 'next' | 'active' | 'retired';
  published_at: string;
  activated_at: string | null;
  retired_at: string | null;
  expires_at: string | null;
}

export const JWKS_MAX_AGE = 300;
export const DAY = 86_400;

export const kidOf = (token: string) => decodeJwt(token).header['kid'] as string;
export const jwksOf = async (server: TestServer) => (await server.driver.request<JSONWebKeySet>('GET', '/.well-known/jwks.json')).body;
export const kidsOf = async (server: TestServer) => (await jwksOf(server)).keys.map(({ kid }) => kid!);
export const sorted = (texts: string[]) => [...texts].sort();

export async function keysOf(server: TestServer): Promise<Key[]> {
  server.driver.renewAdminToken();
  return (await server.driver.adminRequest<{ items: Key[] }>('GET', '/keys')).body.items;
}

export const keyIn = async (server: TestServer, status: Key['status']) => (await keysOf(server)).find((key) => key.status === status)!;

export async function rotate(server: TestServer): Promise<Answer> {
  server.driver.renewAdminToken();
  return server.driver.adminRequest('POST', '/keys/rotate', {});
}

/** Time goes by until the next key may sign. */
export const wait = (server: TestServer) => server.clock.advanceSeconds(JWKS_MAX_AGE);
