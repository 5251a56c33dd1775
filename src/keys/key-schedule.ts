import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SERVER } from '../audit/audit-log.js';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import type { SigningAlgorithm } from '../config/settings.js';
import { Startup } from '../database/startup.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';
import { SigningKeysRepository } from './signing-keys.repository.js';

const CHECK_INTERVAL_MS = 60_000;

/** Makes the keys that the configuration needs at start, rotates those that are due, and forgets those that nothing needs any more. */
@Injectable()
export class KeySchedule implements OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly keys: SigningKeysRepository,
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotation,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly logger: Logger,
    startup: Startup,
  ) {
    startup.prepare(() => rotation.ensure(config.accessTokenSigningAlg));
    startup.load(async () => {
      this.timer ??= setInterval(() => void this.check(), CHECK_INTERVAL_MS).unref();
    });
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** One look at the keys. Every instance looks; of several that find one due, one rotates it. */
  async check(): Promise<void> {
    try {
      const intervalMs = this.config.keyRotationIntervalDays * 86_400_000;
      for (const key of await this.keys.all()) {
        const due = intervalMs > 0 && key.status === 'active' && (key.activatedAt ?? 0) + intervalMs <= this.clock.nowMs();
        if (due) await this.rotation.rotate(key.alg as SigningAlgorithm, SERVER);
      }
      const { accessTokenSigningAlg: alg } = this.config;
      if (!this.ring.has(alg)) await this.rotation.rotate(alg, SERVER);
      for (const used of new Set([alg, ...this.rotation.algorithmsInUse()])) await this.rotation.ensure(used);
      await this.keys.deleteExpired(this.clock.nowMs());
    } catch (error) {
      this.logger.failure('the scheduled look at the signing keys failed', error);
    }
  }
}
