import { Injectable } from '@nestjs/common';
import { Metrics } from '../common/metrics/metrics.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { SIGNING_ALGORITHMS } from '../config/settings.js';
import { KeyRing } from '../keys/key-ring.js';

const DAY_MS = 86_400_000;

/** The life of the signing keys, by algorithm and status and not by `kid`: of each algorithm one key is active and one is next, and a `kid` would leave a series behind at every rotation. */
@Injectable()
export class KeyMetrics {
  constructor(metrics: Metrics, ring: KeyRing, clock: Clock, config: Config) {
    metrics.readGauge({ name: 'signing_keys', help: 'Signing keys that are loaded.', labels: { alg: SIGNING_ALGORITHMS, status: ['next', 'active', 'retired'] }, across: 'max' }, () => {
      const counts = new Map<string, { labels: { alg: string; status: string }; value: number }>();
      for (const { alg, status } of ring.states) {
        const sample = counts.get(`${alg} ${status}`) ?? { labels: { alg, status }, value: 0 };
        sample.value++;
        counts.set(`${alg} ${status}`, sample);
      }
      return counts.values();
    });

    const ofActive = (valueOf: (activatedAtMs: number) => number) =>
      ring.states.flatMap(({ alg, status, activatedAtMs }) => (status === 'active' && activatedAtMs !== null ? [{ labels: { alg }, value: valueOf(activatedAtMs) / 1000 }] : []));
    const labels = { alg: SIGNING_ALGORITHMS };
    metrics.readGauge({ name: 'signing_key_age_seconds', help: 'How long the active key has been signing.', labels, across: 'max' }, () => ofActive((since) => clock.nowMs() - since));
    metrics.readGauge({ name: 'signing_key_rotation_in_seconds', help: 'Time until the active key is to be rotated, negative when that is overdue; missing when KEY_ROTATION_INTERVAL_DAYS is 0.', labels, across: 'min' }, () =>
      config.keyRotationIntervalDays === 0 ? [] : ofActive((since) => since + config.keyRotationIntervalDays * DAY_MS - clock.nowMs()),
    );
  }
}
