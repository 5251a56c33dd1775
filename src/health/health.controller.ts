import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Response } from 'express';
import { sendJson } from '../common/http/respond.js';
import { ServerDrain } from '../common/http/server-drain.js';
import { Readiness } from './readiness.js';

const HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** The probes of an orchestrator. */
@ApiExcludeController()
@Controller('health')
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly drain: ServerDrain,
  ) {}

  /** The process answers: it need not be restarted, whatever its database does. */
  @Get('live')
  live(@Res() res: Response): void {
    sendJson(res, 200, { status: 'ok' }, HEADERS);
  }

  /** It can serve: it is not stopping, its database can be read and written, and a signing key is loaded. */
  @Get('ready')
  async ready(@Res() res: Response): Promise<void> {
    const checks = await this.readiness.check();
    const ready = !this.drain.started && Object.values(checks).every((check) => check === 'ok');
    sendJson(res, ready ? 200 : 503, { status: this.drain.started ? 'draining' : ready ? 'ok' : 'unavailable', checks }, ready ? HEADERS : { ...HEADERS, 'Retry-After': '1' });
  }
}
