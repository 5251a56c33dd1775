import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-oauth2-client-password';
import { type AuthenticationResult, ClientCredentials } from './client-credentials.js';

/** `client_secret_post`: id and secret in the form body (RFC 6749 §2.3.1). */
@Injectable()
export class ClientSecretPostStrategy extends PassportStrategy(Strategy, 'client_secret_post') {
  constructor(private readonly credentials: ClientCredentials) {
    super();
  }

  validate(clientId: string, clientSecret: string): AuthenticationResult | Promise<AuthenticationResult> {
    return this.credentials.verifySecret(clientId, clientSecret, 'client_secret_post');
  }
}
