import { DeferredDecorators } from '../deferred-decorators.js';

/** Loading `@nestjs/swagger` takes a tenth of a start and 15 MiB: it is put off until somebody asks for the document. */
export const OPENAPI = new DeferredDecorators<typeof import('@nestjs/swagger')>('@nestjs/swagger');

export const ApiBearerAuth = OPENAPI.of('ApiBearerAuth');
export const ApiBody = OPENAPI.of('ApiBody');
export const ApiExcludeController = OPENAPI.of('ApiExcludeController');
export const ApiExtraModels = OPENAPI.of('ApiExtraModels');
export const ApiOperation = OPENAPI.of('ApiOperation');
export const ApiProperty = OPENAPI.of('ApiProperty');
export const ApiPropertyOptional = OPENAPI.of('ApiPropertyOptional');
export const ApiQuery = OPENAPI.of('ApiQuery');
export const ApiResponse = OPENAPI.of('ApiResponse');
export const ApiTags = OPENAPI.of('ApiTags');
export const ApiTooManyRequestsResponse = OPENAPI.of('ApiTooManyRequestsResponse');
