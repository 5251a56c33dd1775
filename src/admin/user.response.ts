import { ApiProperty } from '../common/openapi/decorators.js';
import type { UserEntity } from '../users/user.entity.js';
import { profileOf } from '../users/user-profile.js';
import { UserDto } from './dto/user.dto.js';

/** A user as admins see her: never with her password. */
export class UserResponse extends UserDto {
  @ApiProperty({ example: 'usr_Q2Vj3sYy0n8o4kT1mW6z9A', description: 'The `sub` of her tokens. Never used for anybody else.' }) user_id: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'Until then she can sign in only from where she did before: too many wrong passwords were tried.' }) locked_until: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'A few seconds late at most.' }) last_login_at: string | null;
  @ApiProperty({ format: 'date-time' }) created_at: string;
  @ApiProperty({ format: 'date-time' }) updated_at: string;
}

/** @param lockedUntilMs milliseconds since the epoch */
export function userResponse(user: UserEntity, lockedUntilMs: number | undefined): UserResponse {
  return {
    user_id: user.userId,
    ...profileOf(user),
    locked_until: lockedUntilMs === undefined ? null : new Date(lockedUntilMs).toISOString(),
    last_login_at: user.lastLoginAt === null ? null : new Date(user.lastLoginAt).toISOString(),
    created_at: new Date(user.createdAt).toISOString(),
    updated_at: new Date(user.updatedAt).toISOString(),
  };
}
