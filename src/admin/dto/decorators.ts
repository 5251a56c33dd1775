import { hasAtMostCodePoints } from '../../common/code-points.js';
import { DeferredDecorators } from '../../common/deferred-decorators.js';
import { describeArray, type DtoClass } from './array-limits.js';

/** Loading `class-validator`, with all that it can check, takes as long as a tenth of a start: it is put off until there is a body to be read. */
export const VALIDATION = new DeferredDecorators<typeof import('class-validator')>('class-validator');
export const TRANSFORMATION = new DeferredDecorators<typeof import('class-transformer')>('class-transformer');

/** The limit is checked before class-validator sees the body, see {@link oversizedArrays}. */
export const ArrayMaxSize =
  (maxElements: number): PropertyDecorator =>
  (prototype, name) =>
    describeArray(prototype, String(name), { maxElements });
export const IsArray = VALIDATION.of('IsArray');
export const IsBoolean = VALIDATION.of('IsBoolean');
export const IsEmail = VALIDATION.of('IsEmail');
export const IsIn = VALIDATION.of('IsIn');
export const IsInt = VALIDATION.of('IsInt');
export const IsObject = VALIDATION.of('IsObject');
export const IsOptional = VALIDATION.of('IsOptional');
export const IsString = VALIDATION.of('IsString');
export const Matches = VALIDATION.of('Matches');
export const Max = VALIDATION.of('Max');
export const Min = VALIDATION.of('Min');
const ValidateBy = VALIDATION.of('ValidateBy');
export const ValidateNested = VALIDATION.of('ValidateNested');

/** In code points; class-validator's own passes over variation selectors. */
export const Length = (min: number, max: number) =>
  ValidateBy({
    name: 'length',
    validator: {
      validate: (text) => typeof text === 'string' && text.length >= min && hasAtMostCodePoints(text, max),
      defaultMessage: () => (min === 0 ? `must hold at most ${max} characters` : `must hold ${min} to ${max} characters`),
    },
  });
export const MaxLength = (max: number) => Length(0, max);

const TransformationType = TRANSFORMATION.of('Type');
export const Type =
  (elementType: () => DtoClass): PropertyDecorator =>
  (prototype, name) => {
    describeArray(prototype, String(name), { elementType });
    TransformationType(elementType)(prototype, name);
  };
