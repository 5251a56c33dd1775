import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../config/settings.js';

export class RotateKeysDto {
  @ApiPropertyOptional({ enum: SIGNING_ALGORITHMS, description: 'Default: every algorithm that has an active key.' })
  @IsOptional() @IsIn(SIGNING_ALGORITHMS)
  alg?: SigningAlgorithm;
}
