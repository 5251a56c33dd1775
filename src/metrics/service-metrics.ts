import { Injectable } from '@nestjs/common';
import { ServerDrain } from '../common/http/server-drain.js';
import { Metrics } from '../common/metrics/metrics.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Startup } from '../database/startup.js';
import { KeyRing } from '../keys/key-ring.js';

/** Whether the instance is in service. */
@Injectable()
export class ServiceMetrics {
  constructor(metrics: Metrics, startup: Startup, feed: ChangeFeed, keys: KeyRing, drain: ServerDrain) {
    metrics.readGauge({ name: 'ready', help: '1 while tokens can be issued and judged: start-up is complete, the change feed fresh, a signing key loaded. Of several workers, that of the worst.', across: 'min' }, () =>
      Number(startup.complete && feed.isFresh && keys.canSign),
    );
    metrics.readGauge({ name: 'draining', help: '1 from the signal to stop until the end.', across: 'max' }, () => Number(drain.started));
  }
}
