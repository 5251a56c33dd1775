import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Metrics } from '../common/metrics/metrics.js';
import { VERSION } from '../common/version.js';
import { Config } from '../config/config.js';

/** The timer by which delays are measured; its own interval is in what it measures. */
const RESOLUTION_MS = 20;
const PERCENTILES = ['50', '99', '100'] as const;

/** The process: which version it is, its event loop, memory, CPU and files. */
@Injectable()
export class ProcessMetrics implements OnApplicationShutdown {
  private readonly delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor(metrics: Metrics, logger: Logger, config: Config) {
    this.delays.enable();
    metrics.readCounter(
      { name: 'log_lines_dropped_total', help: 'Log lines that standard output did not take: its disk is full, or nothing reads it.' },
      () => logger.droppedLines,
    );
    metrics.readGauge({ name: 'build_info', help: 'Always 1: the version that runs, and the Node.js that it runs on.', labels: { version: 'of Mintgate', node: 'of Node.js' }, across: 'max' }, () => [{ labels: { version: VERSION, node: process.version }, value: 1 }]);
    metrics.readGauge({ name: 'workers', help: 'Processes that this scrape speaks of: WORKERS, unless one is being replaced.', across: 'sum' }, () => 1);
    metrics.readGauge({ name: 'workers_configured', help: 'WORKERS: processes that share the port.', across: 'max' }, () => config.workers);
    metrics.readGauge({ name: 'event_loop_delay_seconds', help: 'How late timers came since the last scrape: what a request waits before anybody looks at it. Percentile 100 is the longest.', labels: { percentile: PERCENTILES }, across: 'max' }, () => this.delaysSinceLastRead());
    metrics.readCounter({ name: 'event_loop_active_seconds_total', help: 'Time that the event loop was at work; its rate is the share of a core that it takes.' }, () => performance.eventLoopUtilization().active / 1000);

    metrics.readCounter({ name: 'process_cpu_seconds_total', help: 'User and system CPU time of all threads.' }, () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
    metrics.readGauge({ name: 'process_start_time_seconds', help: 'When the process was started, in seconds since the epoch; of several workers the last, so that a replacement is seen.', across: 'max' }, () => performance.timeOrigin / 1000);
    metrics.readGauge({ name: 'process_resident_memory_bytes', help: 'Resident memory.', across: 'sum' }, () => process.memoryUsage.rss());
    metrics.readGauge({ name: 'heap_used_bytes', help: 'Memory of the JavaScript heap that is in use.', across: 'sum' }, () => process.memoryUsage().heapUsed);
    metrics.readGauge({ name: 'process_open_fds', help: 'Open file descriptors; on Linux only.', across: 'max' }, openFiles);
    const limit = openFilesLimit();
    metrics.readGauge({ name: 'process_max_fds', help: 'File descriptors that may be open; on Linux only.', across: 'min' }, () => limit);
  }

  onApplicationShutdown(): void {
    this.delays.disable();
  }

  private delaysSinceLastRead() {
    const samples = PERCENTILES.map((percentile) => ({ labels: { percentile }, value: Math.max(0, this.delays.percentile(Number(percentile)) / 1e9 - RESOLUTION_MS / 1000) }));
    this.delays.reset();
    return samples;
  }
}

function openFiles(): number | undefined {
  try {
    // Without the one by which they are listed.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

function openFilesLimit(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}
