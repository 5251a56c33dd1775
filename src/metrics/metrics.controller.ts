import { Controller, Get, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Response } from 'express';
import { ProblemFilter } from '../common/http/problem.filter.js';
import { sendText } from '../common/http/respond.js';
import { CONTENT_TYPE, Exposition } from './exposition.js';
import { ScrapeTokenGuard } from './scrape-token.guard.js';

const HEADERS = { 'Content-Type': CONTENT_TYPE, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** The metrics in the text format of Prometheus. */
@ApiExcludeController()
@Controller('metrics')
@UseGuards(ScrapeTokenGuard)
@UseFilters(ProblemFilter)
export class MetricsController {
  constructor(private readonly exposition: Exposition) {}

  @Get()
  async scrape(@Res() res: Response): Promise<void> {
    sendText(res, 200, await this.exposition.text(), HEADERS);
  }
}
