import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { readForm } from '../../common/http/form-body.guard.js';
import { parsePushedAuthorizationForm } from '../../common/oauth/form-params.js';

/** Reads the form body of a pushed authorization request (RFC 9126 §2.1). */
@Injectable()
export class PushedFormGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const req = context.switchToHttp().getRequest<Request>();
    req.body = await readForm(req, parsePushedAuthorizationForm);
    return true;
  }
}
