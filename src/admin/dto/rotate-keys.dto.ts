import { ApiPropertyOptional } from '../../common/openapi/decorators.js';
import { IsIn, IsOptional } from './decorators.js';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../config/settings.js';

export class RotateKeysDto {
  @ApiPropertyOptional({ enum: SIGNING_ALGORITHMS, description: 'Default: every algorithm that has an active key.' })
  @IsOptional() @IsIn(SIGNING_ALGORITHMS)
  alg?: SigningAlgorithm;
}
