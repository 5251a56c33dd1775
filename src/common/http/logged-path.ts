import type { IncomingMessage } from 'node:http';
import type { Express } from 'express';

/** The prototype of every request of our servers is Express's. */
interface RoutedRequest {
  route?: { path: unknown };
  app: Express;
  url: string;
}

const words = new WeakMap<Express, ReadonlySet<string>>();

/**
 * A request's path as logs may have it: the template of its route (`/admin/v1/clients/:client_id`). Of a path that no route has, the segments that some route has, and `*` for each
 * other, which may be a token in the wrong place.
 */
export function loggedPath(req: IncomingMessage): string {
  const { route, app, url } = req as unknown as RoutedRequest;
  const template = route?.path;
  if (typeof template === 'string') return template;
  const known = wordsOf(app);
  return url.split('?')[0].split('/').map((segment) => (known.has(segment) ? segment : '*')).join('/');
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
