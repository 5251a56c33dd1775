import cluster from 'node:cluster';
import type { MetricsSnapshot } from '../common/metrics/metrics.js';
import { Serial } from '../common/serial.js';

/** A worker that does not answer in this time is busy, or about to die: its last answer counts. */
const ANSWER_MS = 1_000;

/** What workers and the first process say to each other: one worker is scraped and asks for all, the first process asks each, and gives back what they answered. */
type Message =
  | { type: 'mintgate:all-metrics'; id: number; all?: MetricsSnapshot[] }
  | { type: 'mintgate:own-metrics'; id: number; own?: MetricsSnapshot };

const isOurs = (message: unknown): message is Message => /^mintgate:(all|own)-metrics$/.test(String((message as Partial<Message> | null)?.type));

/** One snapshot in place of several: counts are added up. */
async function merged(snapshots: MetricsSnapshot[]): Promise<MetricsSnapshot> {
  const { AggregatorRegistry } = await import('prom-client');
  return AggregatorRegistry.aggregate(snapshots).getMetricsAsJSON();
}

/** The side of a worker. */
export class WorkerExchange {
  private readonly waiting = new Map<number, (all: MetricsSnapshot[]) => void>();
  private nextId = 1;

  constructor(private readonly snapshot: () => MetricsSnapshot) {
    process.on('message', this.onMessage);
  }

  /** Of every worker. @throws when the first process does not answer */
  all(): Promise<MetricsSnapshot[]> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error('the first process did not answer'));
      }, 2 * ANSWER_MS);
      this.waiting.set(id, (all) => {
        clearTimeout(timer);
        resolve(all);
      });
      send(process, { type: 'mintgate:all-metrics', id });
    });
  }

  close(): void {
    process.off('message', this.onMessage);
  }

  private readonly onMessage = (message: unknown): void => {
    if (!isOurs(message)) return;
    if (message.type === 'mintgate:own-metrics') send(process, { ...message, own: this.snapshot() });
    else {
      this.waiting.get(message.id)?.(message.all!);
      this.waiting.delete(message.id);
    }
  };
}

/**
 * The side of the first process. It keeps what each worker answered last: when one dies, its counts stay in every answer, so that no counter ever falls and no rate jumps;
 * what the worker counted after the last scrape is lost.
 */
export class MetricsRelay {
  private readonly lastOf = new Map<number, MetricsSnapshot>();
  private readonly gone = new Set<number>();
  private departed: MetricsSnapshot[] = [];
  private readonly departures = new Serial();
  private readonly waiting = new Map<number, (workerId: number, own: MetricsSnapshot) => void>();
  private nextId = 1;

  start(): void {
    cluster.on('message', (worker, message: unknown) => {
      if (!isOurs(message)) return;
      if (message.type === 'mintgate:own-metrics') this.waiting.get(message.id)?.(worker.id, message.own!);
      else void this.gather().then((all) => send(worker, { ...message, all }));
    });
    cluster.on('exit', (worker) => void this.departures.run(() => this.depart(worker.id)));
  }

  private async gather(): Promise<MetricsSnapshot[]> {
    await this.askAll();
    return [...this.lastOf.values(), ...this.departed];
  }

  private askAll(): Promise<void> {
    const id = this.nextId++;
    const missing = new Set(Object.values(cluster.workers ?? {}).flatMap((worker) => (worker?.isConnected() ? [worker.id] : [])));
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(done, ANSWER_MS);
      this.waiting.set(id, (workerId, own) => {
        // What it said may come after its end, and its counts are kept already.
        if (!this.gone.has(workerId)) this.lastOf.set(workerId, own);
        missing.delete(workerId);
        if (missing.size === 0) done();
      });
      for (const workerId of missing) send(cluster.workers![workerId]!, { type: 'mintgate:own-metrics', id });
    });
  }

  private async depart(workerId: number): Promise<void> {
    const counts = this.lastOf.get(workerId)?.filter(({ type }) => String(type) !== 'gauge');
    this.gone.add(workerId);
    this.lastOf.delete(workerId);
    if (counts) this.departed = [await merged([...this.departed, counts])];
  }
}

/** The other end may be gone by now: then nobody waits for it, or its own time runs out. */
function send(to: { send?: NodeJS.Process['send'] }, message: Message): void {
  to.send?.(message, undefined, undefined, () => undefined);
}
