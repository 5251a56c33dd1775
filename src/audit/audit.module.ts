import { Module } from '@nestjs/common';
import { Cleanup } from '../database/cleanup.js';
import { Startup } from '../database/startup.js';
import { AuditEventsRepository } from './audit-events.repository.js';
import { AuditExport } from './audit-export.js';
import { AuditLog, SERVER } from './audit-log.js';
import { AuditRetention } from './audit-retention.js';

@Module({ providers: [AuditEventsRepository, AuditLog, AuditExport, AuditRetention], exports: [AuditEventsRepository, AuditLog, AuditExport] })
export class AuditModule {
  constructor(startup: Startup, cleanup: Cleanup, audit: AuditLog, retention: AuditRetention) {
    cleanup.register('audit_events', retention);
    let told = 0;
    startup.prepare(async () => {
      const migrations = startup.migrated.slice(told);
      if (migrations.length > 0) await audit.record({ type: 'database.migrated', actor: SERVER, detail: { migrations } });
      told += migrations.length;
    });
  }
}
