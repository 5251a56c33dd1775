import { Injectable } from '@nestjs/common';
import { AuditLog } from '../audit/audit-log.js';
import { ClientSecretUsage } from '../clients/client-secret-usage.js';
import type { Sample } from '../common/metrics/series.js';
import { GrantUsage } from '../grants/usage/grant-usage.js';
import { UserLogins } from '../users/user-logins.js';

/** What is noted in memory and written later. */
@Injectable()
export class Notes {
  private readonly sources: Readonly<Record<string, { pending: number; dropped: number }>>;

  constructor(secrets: ClientSecretUsage, logins: UserLogins, grants: GrantUsage, audit: AuditLog) {
    this.sources = { client_secret_uses: secrets, logins, grant_usage: grants, audit_events: audit };
  }

  get kinds(): string[] {
    return Object.keys(this.sources);
  }

  pending(): Sample[] {
    return Object.entries(this.sources).map(([notes, { pending }]) => ({ labels: { notes }, value: pending }));
  }

  dropped(): Sample[] {
    return Object.entries(this.sources).map(([notes, { dropped }]) => ({ labels: { notes }, value: dropped }));
  }
}
