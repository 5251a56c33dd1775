import { ACCESS_TOKEN_FORMATS, type AccessTokenFormat, CLIENT_ID } from '../../clients/client-metadata.js';
import { ApiProperty, ApiPropertyOptional } from '../../common/openapi/decorators.js';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, Length, Matches, Max, MaxLength, Min, Type, ValidateNested } from './decorators.js';
import { DISPLAY_TEXT, displayText } from './text-forms.js';

const SCOPE_NAME = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/;

export class ResourceScopeDto {
  @ApiProperty({ example: 'invoices:read' })
  @IsString() @Matches(SCOPE_NAME, { message: 'must be a scope token of 255 characters at most (RFC 6749 section 3.3)' })
  name: string;

  @ApiPropertyOptional({ example: 'See your invoices', default: '' })
  @IsOptional() @IsString() @MaxLength(500) @Matches(DISPLAY_TEXT, displayText)
  description?: string;

  @ApiPropertyOptional({ type: [String], default: [], example: [], description: 'A user must have one of these roles; none: any user.' })
  @IsOptional() @IsArray() @ArrayMaxSize(50) @IsString({ each: true }) @Matches(/^[\x21-\x7e]{1,100}$/, { each: true, message: 'must be names of visible ASCII characters' })
  required_roles?: string[];
}

/** A protected resource, an API that tokens are for. */
export class ResourceDto {
  @ApiProperty({ example: 'https://api.example.com/invoices', description: 'The `aud` of its tokens: an absolute URI without a fragment (RFC 8707 section 2).' })
  @IsString() @MaxLength(500)
  identifier: string;

  @ApiPropertyOptional({ example: 'Invoices', description: 'Default: the identifier.' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  name?: string;

  @ApiPropertyOptional({ type: [ResourceScopeDto], default: [] })
  @IsOptional() @IsArray() @ArrayMaxSize(200) @IsObject({ each: true }) @ValidateNested({ each: true }) @Type(() => ResourceScopeDto)
  scopes?: ResourceScopeDto[];

  @ApiPropertyOptional({ type: [String], default: [], example: ['invoices-api'], description: 'Client ids that may introspect its tokens.' })
  @IsOptional() @IsArray() @ArrayMaxSize(100) @IsString({ each: true }) @Matches(CLIENT_ID, { each: true, message: 'must be client ids' })
  resource_servers?: string[];

  @ApiPropertyOptional({ enum: ACCESS_TOKEN_FORMATS, nullable: true, description: 'Default, and `null`: the client decides. `opaque` wins over the client.' })
  @IsOptional() @IsIn(ACCESS_TOKEN_FORMATS)
  access_token_format?: AccessTokenFormat | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 10, maximum: 86_400, nullable: true, description: 'Seconds, at most: a shorter lifetime of the client stays.' })
  @IsOptional() @IsInt() @Min(10) @Max(86_400)
  access_token_lifetime?: number | null;
}

/** As {@link ResourceDto}, with everything left out that stays as it is. */
export class ResourcePatchDto extends (ResourceDto as new () => Partial<ResourceDto>) {
  @ApiPropertyOptional()
  @IsOptional()
  override identifier?: string;
}
