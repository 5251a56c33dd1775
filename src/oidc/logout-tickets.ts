import { Injectable } from '@nestjs/common';
import { SecretBox } from '../common/crypto/secret-box.js';
import { Clock } from '../common/time/clock.js';

/** Enough for a redirect, also by a slow network. */
const LIFETIME_MS = 2 * 60_000;
const CONTEXT = 'logout-ticket';

/** What the ID token of a logout request said. */
export interface LogoutHint {
  readonly clientId: string;
  /** The `sid` as the client knows it. */
  readonly sid: string;
}

/**
 * Carries what an ID token said through a redirect. A form of another site brings no session cookie, so the request
 * must be taken up by one that does, and an ID token does not belong in an address.
 */
@Injectable()
export class LogoutTickets {
  constructor(
    private readonly box: SecretBox,
    private readonly clock: Clock,
  ) {}

  seal({ clientId, sid }: LogoutHint): string {
    return this.box.seal(JSON.stringify([clientId, sid, this.clock.nowMs() + LIFETIME_MS]), CONTEXT);
  }

  /** Returns `undefined` for a ticket that has expired or was not made here: the request has no hint then. */
  open(ticket: string): LogoutHint | undefined {
    try {
      const [clientId, sid, expiresAtMs] = JSON.parse(this.box.open(ticket, CONTEXT)) as [string, string, number];
      return expiresAtMs > this.clock.nowMs() ? { clientId, sid } : undefined;
    } catch {
      return undefined;
    }
  }
}
