import { Clock } from '../../src/common/time/clock.js';

/** A clock that runs, on a machine whose time of day is off. */
export class SkewedClock extends Clock {
  constructor(public skewMs: number) {
    super();
  }

  protected override localMs(): number {
    return Date.now() + this.skewMs;
  }
}
