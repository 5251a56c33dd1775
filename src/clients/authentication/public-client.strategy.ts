import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-custom';
import type { FormRequest } from '../../common/http/form-body.guard.js';
import { type AuthenticationResult, ClientCredentials } from './client-credentials.js';

/** `none`: a public client names itself by `client_id` (RFC 6749 §3.2.1). */
@Injectable()
export class PublicClientStrategy extends PassportStrategy(Strategy, 'none') {
  constructor(private readonly credentials: ClientCredentials) {
    super();
  }

  validate(req: FormRequest): Promise<AuthenticationResult> {
    return this.credentials.identifyPublic(req.body.client_id!);
  }
}
