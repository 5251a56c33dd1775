import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import type { ReachedLimit } from './password-attempts.js';
import { UserLogins } from './user-logins.js';
import type { PasswordCredentials } from './users.repository.js';

/** What a password is asked for. */
export type Purpose = 'sign_in' | 'password_change';

const OUTCOMES = ['success', 'refused', 'throttled', 'unavailable', 'other'] as const;

/** What is noted of passwords that were to be judged: in the audit log, in the metrics, and with the user. */
@Injectable()
export class SignInRecord {
  private readonly signIns: Counter<{ outcome: typeof OUTCOMES }>;

  constructor(
    private readonly logins: UserLogins,
    private readonly audit: AuditLog,
    metrics: Metrics,
  ) {
    this.signIns = metrics.counter({
      name: 'sign_ins_total',
      help: 'Passwords of users that were to be judged: `refused` for a wrong one, an unknown or a disabled user, `throttled` after too many of these, `unavailable` while the database or the hashing threads could not take it, `other` where what a right one was for was refused.',
      labels: { outcome: OUTCOMES },
    });
  }

  count(outcome: (typeof OUTCOMES)[number]): void {
    this.signIns.inc({ outcome });
  }

  /** The password was right, whatever becomes of what it was for. */
  matched({ rowId, user: { userId } }: PasswordCredentials, actor: Actor, purpose: Purpose): void {
    this.logins.note(rowId);
    this.audit.note({ type: 'user.signed_in', actor, userId, detail: { purpose } });
  }

  /** @param credentials `null` for an unknown user */
  refused(credentials: PasswordCredentials | null, actor: Actor, purpose: Purpose): void {
    this.noteFailure(credentials, reasonOf(credentials), actor, purpose);
    this.count('refused');
  }

  /** @param credentials `null` for an unknown user */
  throttled(credentials: PasswordCredentials | null, actor: Actor, purpose: Purpose): void {
    this.noteFailure(credentials, 'throttled', actor, purpose);
    this.count('throttled');
  }

  /** It is the first time in its window that the limit refuses anybody. */
  async limitReached(
    credentials: PasswordCredentials | null,
    actor: Actor,
    limit: ReachedLimit,
    manager: EntityManager,
  ): Promise<void> {
    await this.audit.record({ type: 'user.login_throttled', actor, ...aboutUser(credentials), detail: { limit } }, manager);
  }

  private noteFailure(credentials: PasswordCredentials | null, reason: string, actor: Actor, purpose: Purpose): void {
    this.audit.note({ type: 'user.sign_in_failed', actor, ...aboutUser(credentials), detail: { reason, purpose } });
  }
}

const aboutUser = (credentials: PasswordCredentials | null) => (credentials ? { userId: credentials.user.userId } : {});

function reasonOf(credentials: PasswordCredentials | null): string {
  if (!credentials) return 'unknown_user';
  if (!credentials.user.enabled) return 'disabled_user';
  return credentials.passwordHash === null ? 'no_password' : 'wrong_password';
}
