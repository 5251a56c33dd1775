import { Controller, Get, Param, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { AuthorizationExceptionFilter } from '../authorization/authorization-exception.filter.js';
import { type Interaction, Interactions, pathOf } from '../authorization/interactions/interactions.js';
import { formActionSource } from '../pages/page-headers.js';
import { preferLocales } from '../pages/page-locale.js';
import { PageRenderer } from '../pages/page-renderer.js';
import { AuthorizationRateGuard } from '../rate-limits/authorization-rate.guard.js';
import { CsrfTokens } from '../sessions/csrf-tokens.js';
import { InteractionReturn } from './interaction-return.js';
import { PageFormGuard, type PageFormRequest } from './page-form.guard.js';
import { SignIn, type SignInError } from './sign-in.js';

const STATUS = { none: 200, credentials: 400, busy: 503 } as const;

/** Where a user signs in for an authorization request. */
@ApiExcludeController()
@Controller('oauth/authorize/:request_id/login')
@UseGuards(AuthorizationRateGuard)
@UseFilters(AuthorizationExceptionFilter)
export class LoginController {
  constructor(
    private readonly interactions: Interactions,
    private readonly signIn: SignIn,
    private readonly csrf: CsrfTokens,
    private readonly pages: PageRenderer,
    private readonly back: InteractionReturn,
  ) {}

  @Get()
  async show(@Param('request_id') requestId: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    const interaction = await this.interactions.open(req, requestId);
    this.render(req, res, interaction, interaction.request.loginHint);
  }

  @Post()
  @UseGuards(PageFormGuard)
  async submit(@Param('request_id') requestId: string, @Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    const interaction = await this.interactions.open(req, requestId);
    this.csrf.assert(req, req.body.csrf_token, interaction.cookie);
    if (req.body.decision === 'cancel') return this.back.refuse(req, res, interaction);
    const error = await this.signIn.attempt(req, res, (session, manager) => this.interactions.noteSignIn(interaction, session.sessionId, manager));
    if (error === undefined) this.back.resume(res, interaction);
    else this.render(req, res, interaction, req.body.username, error);
  }

  private render(req: Request, res: Response, { requestId, client, request, cookie }: Interaction, username?: string, error?: SignInError): void {
    preferLocales(req, request.uiLocales);
    const view = {
      csrfToken: this.csrf.of(cookie),
      action: `${pathOf(requestId)}/login`,
      client: { clientId: client.clientId, name: client.clientName },
      ...(username === undefined ? {} : { username }),
      ...(error === undefined ? {} : { error }),
    };
    this.pages.render(req, res, STATUS[error ?? 'none'], 'login', view, { formAction: [formActionSource(request.redirectUri)] });
  }
}
