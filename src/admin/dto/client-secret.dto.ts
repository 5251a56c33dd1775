import { ApiPropertyOptional } from '../../common/openapi/decorators.js';
import { IsInt, IsOptional, Max, Min } from './decorators.js';

export class ClientSecretDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 315_360_000, description: 'Seconds for which the new secret is valid. Default: no end.' })
  @IsOptional() @IsInt() @Min(1) @Max(315_360_000)
  expires_in?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: 315_360_000, example: 86_400, description: 'Seconds after which the older secrets end. Default: they stay as they are.' })
  @IsOptional() @IsInt() @Min(0) @Max(315_360_000)
  previous_expires_in?: number;
}
