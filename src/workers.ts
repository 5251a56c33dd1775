import cluster from 'node:cluster';
import { stopAtOnce } from './early-stop.js';
import { MetricsRelay } from './metrics/worker-exchange.js';

/** sysexits.h: the configuration is wrong, and another worker would fare no better. */
export const EX_CONFIG = 78;

const RESTART_DELAY_MS = 500;

/** Whether a worker is in the place of one that ended, while others serve. @param count how many there are */
const replaces = ({ id }: { id: number }, count: number): boolean => id > count;

/** Whether this process is such a worker. */
export const isReplacement = (count: number): boolean => cluster.worker !== undefined && replaces(cluster.worker, count);

/** Runs the server in several processes that share its port. A worker that dies is replaced; if one cannot start at the beginning, or when no other serves, or the configuration is wrong, all of them end. */
export function runWorkers(count: number): void {
  // The workers take connections from the kernel themselves. Handed out in turn by this process, one that was on its way to a worker that dies would
  // be kept open here with nobody to answer it.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  new MetricsRelay().start();
  let stopping = false;
  let exitCode = 0;
  // SIGTERM whatever came: a terminal sends its SIGINT to the workers as well, and a second one would cut them short.
  const stop = () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).off('SIGTERM', stopAtOnce);
  const listened = new Set<number>();
  cluster.on('listening', (worker) => listened.add(worker.id));
  const othersServe = () => Object.values(cluster.workers ?? {}).some((other) => other && listened.has(other.id));
  cluster.on('exit', (worker, code) => {
    const neededNow = !replaces(worker, count) || !othersServe();
    if (!stopping && ((!listened.has(worker.id) && neededNow) || code === EX_CONFIG)) {
      exitCode = code || 1;
      stop();
    }
    if (!stopping) setTimeout(() => stopping || cluster.fork(), RESTART_DELAY_MS);
    else if (Object.keys(cluster.workers ?? {}).length === 0) process.exit(exitCode);
  });
  for (let i = 0; i < count; i++) cluster.fork();
}
