import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiResponse } from '../common/openapi/decorators.js';

/** Documents the answer of a list: a page of items, and the cursor of the next one. */
export const ApiPage = (item: Type) =>
  applyDecorators(
    ApiExtraModels(item),
    ApiResponse({
      status: 200,
      schema: {
        type: 'object',
        required: ['items', 'next_cursor'],
        properties: { items: { type: 'array', items: { $ref: `#/components/schemas/${item.name}` } }, next_cursor: { type: 'string', nullable: true, description: '`null`: there are no more' } },
      },
    }),
  );
