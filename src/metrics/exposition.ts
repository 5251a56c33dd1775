import cluster from 'node:cluster';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from '../common/metrics/metrics.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Config } from '../config/config.js';
import { WorkerExchange } from './worker-exchange.js';

/** Of the text format of Prometheus, which `prom-client` writes. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What a scrape is answered with: the metrics of this process or, with `WORKERS` above 1, of all that share its port, since nobody can choose which of them answers. */
@Injectable()
export class Exposition implements OnApplicationShutdown {
  private readonly workers: WorkerExchange | undefined;

  constructor(
    private readonly metrics: Metrics,
    config: Config,
  ) {
    if (config.workers > 1 && cluster.isWorker) this.workers = new WorkerExchange(() => metrics.snapshot());
  }

  /** @throws {TemporarilyUnavailableError} when the other workers cannot be asked: half of the counts would look like a restart */
  async text(): Promise<string> {
    const snapshots = this.workers ? await this.ofAll(this.workers) : [this.metrics.snapshot()];
    // A start does without it.
    const { AggregatorRegistry } = await import('prom-client');
    return AggregatorRegistry.aggregate(snapshots).metrics();
  }

  onApplicationShutdown(): void {
    this.workers?.close();
  }

  private ofAll(workers: WorkerExchange) {
    return workers.all().catch((error: unknown) => {
      throw new TemporarilyUnavailableError('the metrics of the other workers cannot be had', 1, { cause: error });
    });
  }
}
