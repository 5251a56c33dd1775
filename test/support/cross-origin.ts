import type { Answer } from './oauth-driver.js';
import type { TestServer } from './test-server.js';

/** Every header by which a server lets pages of other origins in. */
export const corsHeaders = ({ headers }: Pick<Answer, 'headers'>): Record<string, string> => Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

/** What a browser asks before it sends a page's request to another origin (Fetch §3.3.2). */
export const preflight = ({ driver }: TestServer, path: string, origin: string, method = 'POST') =>
  driver.request('OPTIONS', path, { headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization, content-type, dpop' } });
