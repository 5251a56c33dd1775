import { Injectable } from '@nestjs/common';
import { Metrics } from '../common/metrics/metrics.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Cleanup } from '../database/cleanup.js';
import { Leases } from '../database/leases.js';
import { Backlog } from './backlog.js';
import { Notes } from './notes.js';

/** What goes on beside the requests: the change feed, leases, what is written behind, the clean-up. */
@Injectable()
export class UpkeepMetrics {
  constructor(metrics: Metrics, clock: Clock, feed: ChangeFeed, leases: Leases, cleanup: Cleanup, backlog: Backlog, notes: Notes) {
    metrics.readGauge({ name: 'change_feed_lag_seconds', help: 'Time since the last read of the change feed that succeeded began: so old may be what this instance knows of revocations, clients, users and keys.', across: 'max' }, () => {
      return feed.ageMs === undefined ? undefined : feed.ageMs / 1000;
    });
    metrics.readGauge({ name: 'change_feed_fresh', help: '1 while the change feed was read lately enough; at 0 requests are answered 503.', across: 'min' }, () => Number(feed.isFresh));

    metrics.readGauge(
      {
        name: 'clock_offset_seconds',
        help: 'How far this machine’s clock is behind the database’s (ahead when negative). The server goes by the database’s; logs and certificates do not.',
        across: 'max',
      },
      () => clock.offsetMs / 1000,
    );

    const lease = { lease: 'what one instance at a time does' };
    metrics.readCounter({ name: 'lease_acquisitions_total', help: 'Leases that this instance got.', labels: lease }, () => [...leases.uses].map(([name, { acquisitions }]) => ({ labels: { lease: name }, value: acquisitions })));
    metrics.readGauge({ name: 'leases_held', help: 'Leases that this instance has now.', labels: lease, across: 'sum' }, () => [...leases.uses].map(([name, { held }]) => ({ labels: { lease: name }, value: Number(held) })));

    metrics.readGauge({ name: 'write_behind_pending', help: 'Notes in memory that are to be written with the next batch; a crash loses them.', labels: { notes: notes.kinds }, across: 'sum' }, () => notes.pending());
    metrics.readCounter(
      { name: 'write_behind_dropped_total', help: 'Notes that were lost because too many waited for the database.', labels: { notes: notes.kinds } },
      () => notes.dropped(),
    );

    const labels = { table: 'each table with rows that expire' };
    metrics.readCounter({ name: 'cleanup_deleted_rows_total', help: 'Expired rows that this instance deleted.', labels }, () => [...cleanup.deleted].map(([table, value]) => ({ labels: { table }, value })));
    metrics.readGauge({ name: 'cleanup_last_success_timestamp_seconds', help: 'When this instance last finished a round of the clean-up, in seconds since the epoch; one instance at a time does it.', across: 'max' }, () => {
      return cleanup.finishedAtMs === undefined ? undefined : cleanup.finishedAtMs / 1000;
    });
    metrics.readGauge({ name: 'cleanup_backlog_rows', help: 'Expired rows that wait to be deleted, of each table up to a million; counted once a minute at most.', labels, across: 'max' }, () =>
      Object.entries(backlog.read()?.expired ?? {}).map(([table, value]) => ({ labels: { table }, value })),
    );
    metrics.readGauge({ name: 'backchannel_logouts_pending', help: 'Logout tokens that wait to be delivered, in all instances; counted once a minute at most.', across: 'max' }, () => backlog.read()?.logouts);
  }
}
