import { Controller, Get, Param, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { AuthorizationExceptionFilter } from '../authorization/authorization-exception.filter.js';
import { type Interaction, Interactions } from '../authorization/interactions/interactions.js';
import { AuthorizationRateGuard } from '../rate-limits/authorization-rate.guard.js';
import { BrowserCookies } from '../sessions/browser-cookies.js';
import { CsrfTokens } from '../sessions/csrf-tokens.js';
import { type Session, Sessions } from '../sessions/sessions.js';
import { browserActor } from './browser-actor.js';
import { ConsentPage } from './consent-page.js';
import { InteractionReturn } from './interaction-return.js';
import { PageFormGuard, type PageFormRequest } from './page-form.guard.js';

/** Where a user says whether a client may have what it asks for. */
@ApiExcludeController()
@Controller('oauth/authorize/:request_id/consent')
@UseGuards(AuthorizationRateGuard)
@UseFilters(AuthorizationExceptionFilter)
export class ConsentController {
  constructor(
    private readonly interactions: Interactions,
    private readonly sessions: Sessions,
    private readonly cookies: BrowserCookies,
    private readonly csrf: CsrfTokens,
    private readonly page: ConsentPage,
    private readonly back: InteractionReturn,
  ) {}

  @Get()
  async show(@Param('request_id') requestId: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    const { interaction, session } = await this.open(req, requestId);
    if (!session) return this.back.resume(res, interaction);
    await this.page.render(req, res, interaction, session, this.csrf.of(interaction.cookie, this.cookies.session(req)));
  }

  @Post()
  @UseGuards(PageFormGuard)
  async submit(@Param('request_id') requestId: string, @Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    const { interaction, session } = await this.open(req, requestId);
    this.csrf.assert(req, req.body.csrf_token, interaction.cookie, this.cookies.session(req));
    const { decision } = req.body;
    if (decision === 'switch_user') return this.back.resume(res, interaction, 'login');
    if (decision !== 'allow') return this.refuse(req, res, interaction, session);
    if (session) await this.page.allow(interaction, session, req.body.asked, browserActor(req, session.user));
    this.back.resume(res, interaction);
  }

  private async refuse(req: Request, res: Response, interaction: Interaction, session: Session | undefined): Promise<void> {
    await this.back.refuse(req, res, interaction);
    if (session) this.page.noteRefusal(interaction, session, browserActor(req, session.user));
  }

  private async open(req: Request, requestId: string): Promise<{ interaction: Interaction; session: Session | undefined }> {
    return { interaction: await this.interactions.open(req, requestId), session: await this.sessions.find(this.cookies.session(req)) };
  }
}
