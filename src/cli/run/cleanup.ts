import { SingleBar } from 'cli-progress';
import { Cleanup } from '../../database/cleanup.js';
import { print, printJson } from '../output.js';
import { withServices } from '../services.js';

type Rows = Record<string, number>;

export async function cleanUp({ dryRun, json }: { dryRun?: boolean; json?: boolean }): Promise<void> {
  await withServices(async ({ get }) => {
    const cleanup = get(Cleanup);
    const deleted = dryRun ? undefined : await everyRound(cleanup);
    const backlog = await cleanup.backlog();
    if (json) printJson({ ...(deleted ? { deleted } : {}), backlog });
    else print([...(deleted ? [`Deleted: ${inWords(deleted)}`] : []), `Expired, and not deleted yet: ${inWords(backlog)}`].join('\n'));
  });
}

/** Rounds until one finds nothing, or a running server is at it. */
async function everyRound(cleanup: Cleanup): Promise<Rows> {
  const total: Rows = {};
  // On standard error, and only where somebody watches it.
  const bar = new SingleBar({ format: 'Cleaning up {bar} {value}/{total} rows', stream: process.stderr, hideCursor: true, clearOnComplete: true, stopOnComplete: false });
  const waiting = sum(await cleanup.backlog());
  if (waiting > 0) bar.start(waiting, 0);
  try {
    for (;;) {
      const round = await cleanup.run((rows) => bar.increment(rows));
      for (const [kind, rows] of Object.entries(round)) total[kind] = (total[kind] ?? 0) + rows;
      if (sum(round) === 0) return total;
    }
  } finally {
    bar.stop();
  }
}

const sum = (rows: Rows): number => Object.values(rows).reduce((all, each) => all + each, 0);

function inWords(rows: Rows): string {
  const some = Object.entries(rows).filter(([, count]) => count > 0);
  return some.length === 0 ? 'nothing' : some.map(([kind, count]) => `${count} ${kind}`).join(', ');
}
