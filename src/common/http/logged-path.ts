import type { IncomingMessage } from 'node:http';
import type { Express } from 'express';

/** The prototype of every request of our servers is Express's. */
interface RoutedRequest {
  route?: { path: unknown };
  app: Express;
  url: string;
}

/** Characters of an unknown path in a log line: callers choose how long it is. */
const MAX_LENGTH = 512;

const words = new WeakMap<Express, ReadonlySet<string>>();

/**
 * A request's path as logs may have it: the template of its route (`/admin/v1/clients/:client_id`). Of a path that no route has, the segments that some route has, and `*` for each
 * other, which may be a token in the wrong place. A path of more than 512 characters is cut, and ends in `…`.
 */
export function loggedPath(req: IncomingMessage): string {
  const { route, app, url } = req as unknown as RoutedRequest;
  const template = route?.path;
  if (typeof template === 'string') return template;
  const known = wordsOf(app);
  const [path] = url.split('?', 1);
  const shown = path.slice(0, MAX_LENGTH).split('/').map((segment) => (known.has(segment) ? segment : '*')).join('/');
  return path.length > MAX_LENGTH ? `${shown}…` : shown;
}

/** Routes are made once, before the first request. */
function wordsOf(app: Express): ReadonlySet<string> {
  let known = words.get(app);
  if (!known) {
    const { stack } = app.router as unknown as { stack: { route?: { path: unknown } }[] };
    words.set(app, (known = new Set(['', ...stack.flatMap(({ route }) => (typeof route?.path === 'string' ? route.path.split('/') : []))])));
  }
  return known;
}
