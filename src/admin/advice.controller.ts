import { Get, Param, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiQuery, ApiResponse } from '../common/openapi/decorators.js';
import type { Request } from 'express';
import { CLIENT_ID } from '../clients/client-metadata.js';
import { ClientsRepository } from '../clients/clients.repository.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { notFound } from '../common/http/problem.js';
import { RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { AdviceItem, ClientAdvice } from './client-advice.js';
import { ApiPage } from './page.decorator.js';
import { readInteger, readQuery } from './query.js';

const DAYS = { name: 'days', required: false, description: 'How far back users and scopes are looked for', schema: { type: 'integer', minimum: 1, maximum: 730, default: 90 } } as const;

class ClientAdviceResponse {
  @ApiProperty() client_id: string;
  @ApiProperty({ type: 'integer' }) days: number;
  @ApiProperty({ type: [AdviceItem] }) items: AdviceItem[];
  @ApiProperty({ type: [String], description: 'Scopes of the client that none of its tokens of the last `days` held (RFC 9700 section 2.3)' }) unused_scopes: string[];
}

@AdminController('', 'Advice')
export class AdviceController {
  constructor(
    private readonly clients: ClientsRepository,
    private readonly advice: ClientAdvice,
    private readonly cursors: PageCursors,
  ) {}

  @Get('advice')
  @RequiredScope('clients:read')
  @ApiOperation({ summary: 'Which clients still use the password grant or implicit', description: 'When they last did, how many users, and what to do instead. A page holds so many clients as `limit` says, newest first.' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } })
  @ApiQuery({ name: 'cursor', required: false, description: '`next_cursor` of the page before' })
  @ApiQuery(DAYS)
  @ApiPage(AdviceItem)
  async list(@Req() req: Request): Promise<{ items: AdviceItem[]; next_cursor: string | null }> {
    const { limit, cursor, days: daysText } = readQuery(req, ['limit', 'cursor', 'days']);
    const days = readDays(daysText);
    const query = ['advice', days];
    const page = this.cursors.read(query, limit, cursor);
    const { items, next_cursor } = this.cursors.page(query, page, await this.clients.withLegacyGrants(page), (client) => client);
    return { items: await this.advice.of(items, days), next_cursor };
  }

  @Get('clients/:client_id/advice')
  @RequiredScope('clients:read')
  @ApiOperation({ summary: 'What RFC 9700 would change in a client' })
  @ApiQuery(DAYS)
  @ApiResponse({ status: 200, type: ClientAdviceResponse })
  async ofClient(@Param('client_id') clientId: string, @Req() req: Request): Promise<ClientAdviceResponse> {
    const days = readDays(readQuery(req, ['days']).days);
    const client = CLIENT_ID.test(clientId) ? await this.clients.find(clientId) : null;
    if (!client) throw notFound('client');
    return { client_id: client.clientId, days, items: await this.advice.of([client], days), unused_scopes: await this.advice.unusedScopes(client, days) };
  }
}

const readDays = (text: string | undefined): number => readInteger('days', text, 1, 730) ?? 90;
