import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import helmet from 'helmet';
import { AUTHORIZATION_PATHS } from './authorization-paths.js';
import { OAUTH_PATHS, OAUTH_SCHEMAS } from './oauth-paths.js';
import { ADMIN_SCOPES } from '../resources/admin-api.js';

/** The OpenAPI 3.1 document: the admin API from its controllers, the OAuth endpoints, whose bodies are forms, by hand. */
export function openApiDocument(app: NestExpressApplication, issuer: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Mintgate')
    .setDescription('OAuth 2.0 authorization server: tokens for services and for users, and the administration of clients, users, protected resources and signing keys.')
    .setVersion('1')
    .addServer(issuer)
    .addBasicAuth({ type: 'http', scheme: 'basic', description: 'client_id and client_secret of a client' }, 'client')
    .addOAuth2({ type: 'oauth2', flows: { clientCredentials: { tokenUrl: `${issuer}/oauth/token`, scopes: ADMIN_SCOPES } } }, 'admin')
    .addSecurity('user', { type: 'openIdConnect', openIdConnectUrl: `${issuer}/.well-known/openid-configuration` })
    .build();
  const document = SwaggerModule.createDocument(app, config);
  return {
    ...document,
    paths: { ...OAUTH_PATHS, ...AUTHORIZATION_PATHS, ...document.paths },
    components: { ...document.components, schemas: { ...OAUTH_SCHEMAS, ...document.components?.schemas } },
  };
}

/** Serves `/docs` and `/openapi.json`. */
export function setUpApiDocumentation(app: NestExpressApplication, issuer: string): void {
  app.use(
    ['/docs', '/openapi.json'],
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], scriptSrc: ["'self'"], styleSrc: ["'self'", "'unsafe-inline'"], imgSrc: ["'self'", 'data:'], connectSrc: ["'self'", new URL(issuer).origin], frameAncestors: ["'none'"], baseUri: ["'none'"] },
      },
      xFrameOptions: { action: 'deny' },
      strictTransportSecurity: issuer.startsWith('https:'),
    }),
  );
  SwaggerModule.setup('docs', app, () => openApiDocument(app, issuer), { jsonDocumentUrl: 'openapi.json', raw: ['json'], customSiteTitle: 'Mintgate API', swaggerOptions: { persistAuthorization: false } });
}
