import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { readForm } from '../common/http/form-body.guard.js';
import { parsePageForm, type PageForm } from '../common/oauth/form-params.js';

export interface PageFormRequest extends Request {
  body: PageForm;
}

/** Reads the body of a form of our pages. */
@Injectable()
export class PageFormGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const req = context.switchToHttp().getRequest<Request>();
    req.body = await readForm(req, parsePageForm);
    return true;
  }
}
