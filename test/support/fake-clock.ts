import { Clock } from '../../src/common/time/clock.js';

/** A clock that stands still until it is moved. */
export class FakeClock extends Clock {
  constructor(private ms = Date.parse('2026-11-23T12:00:00.000Z')) {
    super();
  }

  override nowMs(): number {
    return this.ms;
  }

  advanceSeconds(seconds: number): void {
    this.ms += seconds * 1000;
  }
}
