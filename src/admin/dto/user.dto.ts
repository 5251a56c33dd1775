import { ApiProperty, ApiPropertyOptional } from '../../common/openapi/decorators.js';
import { ArrayMaxSize, IsArray, IsBoolean, IsEmail, IsOptional, IsString, Length, Matches, MaxLength } from './decorators.js';
import type { GivenProfile } from '../../users/user-profile.js';
import { StandardClaimsDto } from './standard-claims.dto.js';
import { DISPLAY_TEXT, displayText, IDENTIFIER, identifier } from './text-forms.js';

/** The body that describes a user. */
export class UserDto extends StandardClaimsDto implements GivenProfile {
  @ApiProperty({ example: 'margaret', minLength: 1, maxLength: 128, description: 'Compared without regard to case and width (NFKC).' })
  @IsString() @Length(1, 128) @Matches(IDENTIFIER, identifier)
  username: string;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'margaret@example.com', description: 'Compared like usernames, and of one user at most.' })
  @IsOptional() @IsString() @MaxLength(254) @Matches(IDENTIFIER, identifier) @IsEmail({}, { message: 'must be an e-mail address' })
  email?: string | null;

  @ApiPropertyOptional({ default: false })
  @IsOptional() @IsBoolean()
  email_verified?: boolean;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'Margaret Hamilton' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  name?: string | null;

  @ApiPropertyOptional({ type: [String], default: [], example: ['accountant'], description: 'They decide which scopes the tokens of the user may hold (`required_roles`), and stand in its `roles` claim.' })
  @IsOptional() @IsArray() @ArrayMaxSize(100) @IsString({ each: true }) @Matches(/^[\x21-\x7e]{1,100}$/, { each: true, message: 'must be names of visible ASCII characters' })
  roles?: string[];

  @ApiPropertyOptional({ default: true, description: 'A disabled user cannot sign in, and what she holds is dead.' })
  @IsOptional() @IsBoolean()
  enabled?: boolean;
}

/** As {@link UserDto}, with everything left out that stays as it is. */
export class UserPatchDto extends (UserDto as new () => Partial<UserDto>) {
  @ApiPropertyOptional()
  @IsOptional()
  override username?: string;
}

const PASSWORD = { type: String, format: 'password', minLength: 15, maxLength: 256, example: 'correct horse battery staple', description: '15 characters or more, any of Unicode; not one that is common, or built on the name of the user or of this service.' };
const PASSWORD_HASH = {
  oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: true }],
  example: 'pbkdf2_sha256$1000000$c2FsdHNhbHQ$hZoQnxKuVtPQDzLnNhyAFjVGpoaVFTYtTD8R3QKVVeM=',
  description: 'In place of `password`: its hash in another system, replaced by one of ours at the first login. PHC strings (argon2, pbkdf2, scrypt), bcrypt, the forms of Django and passlib, and the exported credential of Keycloak.',
};

/** A user to be made; without a password she cannot sign in by one. */
export class NewUserDto extends UserDto {
  @ApiPropertyOptional(PASSWORD)
  @IsOptional() @IsString()
  password?: string;

  @ApiPropertyOptional(PASSWORD_HASH)
  @IsOptional()
  password_hash?: unknown;
}

/** Either of the two. */
export class UserPasswordDto {
  @ApiPropertyOptional(PASSWORD)
  @IsOptional() @IsString()
  password?: string;

  @ApiPropertyOptional(PASSWORD_HASH)
  @IsOptional()
  password_hash?: unknown;
}
