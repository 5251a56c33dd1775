import { userInfo } from 'node:os';
import type { Administrator } from '../admin/administrator.js';
import { readEnvironment } from '../config/environment.js';

/** Whoever runs the command: who may read the configuration holds the database and its keys anyway, so nothing is withheld from him. */
export function operator(): Administrator {
  return { actor: { operator: userName() }, assertMatch: () => undefined, assertNoneMatch: () => undefined, assertRights: () => undefined };
}

/** The name under which he is logged in, behind sudo too. */
function userName(): string {
  const { SUDO_USER: before } = readEnvironment();
  if (before) return before;
  try {
    return userInfo().username;
  } catch {
    // A user of a container may have a number only.
    return `uid ${process.getuid?.()}`;
  }
}
