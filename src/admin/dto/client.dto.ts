import { ApiPropertyOptional } from '../../common/openapi/decorators.js';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from './decorators.js';
import {
  ACCESS_TOKEN_FORMATS,
  CLIENT_ID,
  type ClientMetadata,
  GRANT_TYPES,
  ID_TOKEN_ALGS,
  RESPONSE_TYPES,
  SUBJECT_TYPES,
  TOKEN_ENDPOINT_AUTH_METHODS,
} from '../../clients/client-metadata.js';
import { DISPLAY_TEXT, displayText } from './text-forms.js';

const clientId = { message: 'must start with a letter or digit, not with usr_, and hold 128 letters, digits and . _ ~ - at most' };

/** The body that describes a client. Every member may be left out; the server then chooses. */
export class ClientDto implements Partial<Omit<ClientMetadata, 'default_scope' | 'password_grant_sunset' | 'backchannel_logout_uri'>> {
  @ApiPropertyOptional({ example: 'Billing cron job', maxLength: 255, description: 'Default: the client id.' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  client_name?: string;

  @ApiPropertyOptional({ enum: TOKEN_ENDPOINT_AUTH_METHODS, default: 'client_secret_basic', description: 'The one method by which it authenticates; `none` for a public client.' })
  @IsOptional() @IsIn(TOKEN_ENDPOINT_AUTH_METHODS)
  token_endpoint_auth_method?: ClientMetadata['token_endpoint_auth_method'];

  @ApiPropertyOptional({
    enum: GRANT_TYPES, isArray: true, default: ['client_credentials'],
    description: 'What it may use. The token endpoint serves the grants that the metadata document lists as `grant_types_supported`; a registration may name the others ahead of time.',
  })
  @IsOptional() @IsArray() @ArrayMaxSize(20) @IsIn(GRANT_TYPES, { each: true })
  grant_types?: ClientMetadata['grant_types'];

  @ApiPropertyOptional({ enum: RESPONSE_TYPES, isArray: true, description: 'Default: what grant_types needs.' })
  @IsOptional() @IsArray() @ArrayMaxSize(20) @IsIn(RESPONSE_TYPES, { each: true })
  response_types?: ClientMetadata['response_types'];

  @ApiPropertyOptional({ type: [String], default: [], example: [], description: 'Compared exactly. https, http on 127.0.0.1 or [::1], or a private-use scheme.' })
  @IsOptional() @IsArray() @ArrayMaxSize(100) @IsString({ each: true })
  redirect_uris?: string[];

  @ApiPropertyOptional({ type: [String], default: [], example: [] })
  @IsOptional() @IsArray() @ArrayMaxSize(100) @IsString({ each: true })
  post_logout_redirect_uris?: string[];

  @ApiPropertyOptional({
    type: String, nullable: true, example: null,
    description: 'Where a logout token is sent when a session ends that the client took part in (OpenID Connect Back-Channel Logout 1.0). https on port 443 of a public address, or a host in OUTBOUND_ALLOWED_HOSTS. Default, and `null`: nowhere.',
  })
  @IsOptional() @IsString()
  backchannel_logout_uri?: string | null;

  @ApiPropertyOptional({ default: false, description: 'Whether it needs `sid` in the logout token, which is always there.' })
  @IsOptional() @IsBoolean()
  backchannel_logout_session_required?: boolean;

  @ApiPropertyOptional({ example: 'invoices:read invoices:write', default: '', description: 'All that it may ask for, separated by single spaces.' })
  @IsOptional() @IsString() @MaxLength(8000)
  scope?: string;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'invoices:read', description: 'What a request without scope gets. Default, and `null`: all of scope.' })
  @IsOptional() @IsString() @MaxLength(8000)
  default_scope?: string | null;

  @ApiPropertyOptional({
    type: [String], default: [], example: [],
    description: 'Identifiers of protected resources that it may name in `resource` although it has none of their scopes, such as one that has no scopes.',
  })
  @IsOptional() @IsArray() @ArrayMaxSize(100) @IsString({ each: true })
  resources?: string[];

  @ApiPropertyOptional({ enum: ACCESS_TOKEN_FORMATS, default: 'jwt' })
  @IsOptional() @IsIn(ACCESS_TOKEN_FORMATS)
  access_token_format?: ClientMetadata['access_token_format'];

  @ApiPropertyOptional({
    type: 'integer', minimum: 10, maximum: 86_400, example: 300,
    description: 'Seconds. Tokens for the admin API live for 900 at most, whatever this says.',
  })
  @IsOptional() @IsInt() @Min(10) @Max(86_400)
  access_token_lifetime?: number;

  @ApiPropertyOptional({
    type: 'integer', minimum: 0, maximum: 86_399, default: 0,
    description: 'Seconds after its issuing for which a JWT of the client credentials grant is handed out again to a request for the same scope and resources, with what remains of its lifetime; shorter than access_token_lifetime, and cut in proportion where a resource cuts that. All who were given it share it: revoked, it is dead for all of them. 0: every answer has a new token.',
  })
  @IsOptional() @IsInt() @Min(0) @Max(86_399)
  access_token_reuse?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 60, maximum: 315_360_000, default: 2_592_000, description: 'Seconds from the sign-in to the end, which no refresh moves.' })
  @IsOptional() @IsInt() @Min(60) @Max(315_360_000)
  refresh_token_lifetime?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 60, maximum: 315_360_000, default: 604_800, description: 'Seconds without a refresh after which it ends.' })
  @IsOptional() @IsInt() @Min(60) @Max(315_360_000)
  refresh_token_idle_lifetime?: number;

  @ApiPropertyOptional({ default: true, description: '`false` only for a client that authenticates.' })
  @IsOptional() @IsBoolean()
  require_pkce?: boolean;

  @ApiPropertyOptional({ default: false, description: 'Whether it must push its authorization requests (RFC 9126).' })
  @IsOptional() @IsBoolean()
  require_pushed_authorization_requests?: boolean;

  @ApiPropertyOptional({ enum: ID_TOKEN_ALGS, default: 'RS256' })
  @IsOptional() @IsIn(ID_TOKEN_ALGS)
  id_token_signed_response_alg?: ClientMetadata['id_token_signed_response_alg'];

  @ApiPropertyOptional({ enum: SUBJECT_TYPES, default: 'public', description: '`pairwise`: each host of redirect URIs gets a `sub` of its own for a user, and a client without one its own. With a change, also of that host, users get another `sub`, and their access tokens end.' })
  @IsOptional() @IsIn(SUBJECT_TYPES)
  subject_type?: ClientMetadata['subject_type'];

  @ApiPropertyOptional({ default: false })
  @IsOptional() @IsBoolean()
  skip_consent?: boolean;

  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, example: null, description: 'After this time the password grant is refused to the client; until then its answers say so in the header Sunset (RFC 8594). Refresh tokens that it gave stay good.' })
  @IsOptional() @IsString() @MaxLength(40)
  password_grant_sunset?: string | null;

  @ApiPropertyOptional({ default: true, description: 'A disabled client gets no tokens, and those that it holds are dead.' })
  @IsOptional() @IsBoolean()
  enabled?: boolean;
}

/** As {@link ClientDto}, with an id of the admin's choice. */
export class NewClientDto extends ClientDto {
  @ApiPropertyOptional({ example: 'billing-cron', description: 'Chosen by the server when left out. Never changes.' })
  @IsOptional() @IsString() @Matches(CLIENT_ID, clientId)
  client_id?: string;
}
