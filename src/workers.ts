import cluster, { type Worker } from 'node:cluster';
import { join } from 'node:path';
import type { Logger } from './common/logging/logger.js';
import type { Config } from './config/config.js';
import { stopAtOnce } from './early-stop.js';
import { MetricsRelay } from './metrics/worker-exchange.js';
import { endProcess, endWithin, MARGIN_MS } from './process-end.js';

/** sysexits.h: the configuration is wrong, and starting again will not help. */
export const EX_CONFIG = 78;

const FIRST_RESTART_DELAY_MS = 500;
const MAX_RESTART_DELAY_MS = 30_000;
/** A worker that has served for so long was not broken from the start. */
const STABLE_MS = 1_000;

/** The only argument of a worker: a process manager may run the server in a cluster of its own. */
const WORKER = 'worker';

const CONFIGURATION = 'mintgate:configuration';

interface ConfigurationMessage {
  type: typeof CONFIGURATION;
  config: Config;
}

export const isWorker = (): boolean => cluster.isWorker && process.argv[2] === WORKER;

/** Whether a worker takes the place of one that ended. @param count how many there are */
const replaces = ({ id }: { id: number }, count: number): boolean => id > count;

/** Whether this process is such a worker. */
export const isReplacement = (count: number): boolean => cluster.worker !== undefined && replaces(cluster.worker, count);

/**
 * Resolves with the configuration that the first process has read. It comes as a message: the environment of a process can be
 * listed, and what secret files held is not in it.
 */
export function receiveConfiguration(): Promise<Config> {
  return new Promise((resolve) => {
    const onMessage = (message: Partial<ConfigurationMessage> | null) => {
      if (message?.type !== CONFIGURATION) return;
      process.off('message', onMessage);
      resolve(Object.freeze(message.config!));
    };
    process.on('message', onMessage);
  });
}

/**
 * Runs the server in several processes that share its port and one configuration. A worker that dies is replaced, after growing
 * pauses when its replacements die at once. All end when one cannot start at the beginning, or when none serves.
 */
export class Workers {
  private stopping = false;
  private exitCode = 0;
  /** When each worker that is alive began to listen. */
  private readonly servingSince = new Map<number, number>();
  private failedStarts = 0;

  constructor(
    private readonly config: Config,
    private readonly logger: Logger,
  ) {}

  run(): void {
    // The workers take connections from the kernel themselves. Handed out in turn by this process, one that was on its way to a worker that dies would
    // be kept open here with nobody to answer it.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: join(__dirname, 'main.js'), args: [WORKER], serialization: 'advanced' });
    new MetricsRelay().start();
    process.on('SIGTERM', this.stop).on('SIGINT', this.stop).off('SIGTERM', stopAtOnce);
    cluster.on('listening', ({ id }) => this.servingSince.set(id, performance.now()));
    cluster.on('exit', (worker, code: number | null, signal: string | null) => this.onExit(worker, code, signal));
    for (let i = 0; i < this.config.workers; i++) this.fork();
  }

  private fork(): void {
    const worker = cluster.fork();
    worker.on('error', (error) => this.logger.failure('a worker', error));
    const message: ConfigurationMessage = { type: CONFIGURATION, config: this.config };
    // One that has ended by now is noticed by its exit.
    worker.process.send(message, undefined, undefined, () => undefined);
  }

  private onExit(worker: Worker, code: number | null, signal: string | null): void {
    const since = this.servingSince.get(worker.id);
    this.servingSince.delete(worker.id);
    const couldNotStart = since === undefined || code === EX_CONFIG;
    if (!this.stopping && couldNotStart && (!replaces(worker, this.config.workers) || this.servingSince.size === 0)) {
      this.exitCode = code || 1;
      this.stop();
    }
    if (!this.stopping) this.replace(worker, code ?? signal, since);
    else if (this.running.length === 0) void endProcess(this.exitCode, this.logger);
  }

  private replace(worker: Worker, ended: number | string | null, servingSince: number | undefined): void {
    const wasStable = servingSince !== undefined && performance.now() - servingSince >= STABLE_MS;
    this.failedStarts = wasStable ? 0 : this.failedStarts + 1;
    const delayMs = Math.min(FIRST_RESTART_DELAY_MS * 2 ** this.failedStarts, MAX_RESTART_DELAY_MS);
    this.logger.warn('a worker ended, and is replaced', { worker_pid: worker.process.pid, ended, restart_in_ms: delayMs });
    setTimeout(() => this.stopping || this.fork(), delayMs);
  }

  private get running(): Worker[] {
    return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  }

  /** Sends SIGTERM whatever came: a terminal sends its SIGINT to the workers as well, and a second one would cut them short. */
  private readonly stop = (): void => {
    if (!this.stopping) {
      const timeoutMs = this.config.shutdownTimeoutSeconds * 1000;
      setTimeout(() => this.signal('SIGKILL'), timeoutMs - 2 * MARGIN_MS).unref();
      endWithin(timeoutMs);
    }
    this.stopping = true;
    this.signal('SIGTERM');
  };

  private signal(signal: NodeJS.Signals): void {
    for (const worker of this.running) worker.process.kill(signal);
  }
}
