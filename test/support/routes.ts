import type { TestServer } from './test-server.js';

export interface Route {
  method: string;
  /** As OpenAPI writes it: `/admin/v1/clients/{client_id}`. */
  path: string;
}

interface RouterLayer {
  route?: { path: string | string[]; methods: Record<string, boolean> };
}

/** Every route that the running application has, from the router itself. */
export function routesOf(server: TestServer): Route[] {
  const { router } = server.server.app.getHttpAdapter().getInstance();
  return (router as unknown as { stack: RouterLayer[] }).stack.flatMap(({ route }) =>
    route ? [route.path].flat().flatMap((path) => Object.keys(route.methods).map((method) => ({ method: method.toUpperCase(), path: path.replace(/:(\w+)/g, '{$1}') }))) : [],
  );
}

/** The path with something in the place of each parameter. */
export const filled = (path: string, value = 'x'): string => path.replace(/\{\w+\}/g, value);
