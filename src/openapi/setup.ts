import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import express, { type RequestHandler, type Router } from 'express';
import helmet from 'helmet';
import { isManagementPath } from '../common/http/request-target.js';
import { OPENAPI } from '../common/openapi/decorators.js';
import type { Config } from '../config/config.js';
import { AUTHORIZATION_PATHS } from './authorization-paths.js';
import { GATEWAY_PATHS } from './gateway-paths.js';
import { OAUTH_PATHS, OAUTH_SCHEMAS } from './oauth-paths.js';
import { ADMIN_SCOPES } from '../resources/admin-api.js';

/** The OpenAPI 3.1 document: the admin API from its controllers, the OAuth endpoints, whose bodies are forms, by hand. */
function openApiDocument(app: NestExpressApplication, { issuer, management }: Config): OpenAPIObject {
  const { DocumentBuilder, SwaggerModule } = OPENAPI.load();
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Mintgate')
    .setDescription('OAuth 2.0 authorization server: tokens for services and for users, and the administration of clients, users, protected resources and signing keys.')
    .setVersion('1')
    .addServer(issuer)
    .addBasicAuth({ type: 'http', scheme: 'basic', description: 'client_id and client_secret of a client' }, 'client')
    .addOAuth2({ type: 'oauth2', flows: { clientCredentials: { tokenUrl: `${issuer}/oauth/token`, scopes: ADMIN_SCOPES } } }, 'admin')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An access token of whichever client the gateway lets in' }, 'token')
    .addSecurity('user', { type: 'openIdConnect', openIdConnectUrl: `${issuer}/.well-known/openid-configuration` })
    .build();
  const document = SwaggerModule.createDocument(app, config);
  return {
    ...document,
    paths: { ...OAUTH_PATHS, ...AUTHORIZATION_PATHS, ...GATEWAY_PATHS, ...(management ? onThisListener(document.paths) : document.paths) },
    components: { ...document.components, schemas: { ...OAUTH_SCHEMAS, ...document.components?.schemas } },
  };
}

/** The admin API is where the document is, and not at the issuer. */
const onThisListener = (paths: OpenAPIObject['paths']): OpenAPIObject['paths'] =>
  Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, isManagementPath(path) ? { ...item, servers: [{ url: '/', description: 'The management listener' }] } : item]));

/** What there is, so that other methods are refused there; and the files that a page loads. */
const ADDRESSES = ['/docs', '/docs/', '/docs/index.html', '/docs/swagger-ui-init.js', '/openapi.json'];

interface Documentation {
  pages: Router;
  files: RequestHandler;
}

/** Serves `/docs` and `/openapi.json`; what they need is loaded when they are asked for. */
export function setUpApiDocumentation(app: NestExpressApplication, config: Config): void {
  const { issuer } = config;
  let loaded: Documentation | undefined;
  const documentation = (): Documentation => (loaded ??= loadDocumentation(app, config));
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
  const server = app.getHttpAdapter().getInstance();
  server.get(ADDRESSES, (req, res, next) => documentation().pages(req, res, next));
  server.use('/docs', (req, res, next) => documentation().files(req, res, next));
}

/** What `@nestjs/swagger` would add to the server, whose routes are complete by then: it has a router of its own. */
function loadDocumentation(app: NestExpressApplication, config: Config): Documentation {
  const pages = express.Router({ caseSensitive: true, strict: true });
  const adapter = new ExpressAdapter(pages);
  let files: RequestHandler | undefined;
  const host = { getHttpAdapter: () => adapter, useStaticAssets: (folder: string) => (files = express.static(folder)) };
  OPENAPI.load().SwaggerModule.setup('docs', host as unknown as NestExpressApplication, () => openApiDocument(app, config), { jsonDocumentUrl: 'openapi.json', raw: ['json'], customSiteTitle: 'Mintgate API', swaggerOptions: { persistAuthorization: false } });
  return { pages, files: files! };
}
