import { Injectable } from '@nestjs/common';

/** The one source of wall-clock time, so that tests can move it. */
@Injectable()
export class Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number {
    return Date.now();
  }

  /** Whole seconds since the epoch: NumericDate of RFC 7519 §2. */
  nowSeconds(): number {
    return Math.floor(this.nowMs() / 1000);
  }
}
