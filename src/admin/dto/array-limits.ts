import { type ProblemPointer, pointer } from '../../common/http/problem.js';

type Prototype = object;
export type DtoClass = new () => object;
type Body = Readonly<Record<string, unknown>>;

interface ArrayField {
  maxElements?: number;
  elementType?: () => DtoClass;
}

const fieldsByPrototype = new WeakMap<Prototype, Map<string, ArrayField>>();

/** Remembers what a decorator of a DTO says about an array. */
export function describeArray(prototype: Prototype, name: string, more: ArrayField): void {
  const fields = fieldsByPrototype.get(prototype) ?? new Map<string, ArrayField>();
  fieldsByPrototype.set(prototype, fields.set(name, { ...fields.get(name), ...more }));
}

/**
 * Finds the arrays of a body that are longer than their field allows. class-validator visits every element of an
 * array whatever `ArrayMaxSize` says, and so reports 80,000 wrong elements of an array that may hold 200.
 */
export function oversizedArrays(dto: DtoClass, body: unknown, path: readonly (string | number)[] = []): ProblemPointer[] {
  if (typeof body !== 'object' || body === null) return [];
  return arrayFieldsOf(dto).flatMap(([name, field]) => {
    const value = (body as Body)[name];
    if (!Array.isArray(value)) return [];
    if (field.maxElements !== undefined && value.length > field.maxElements) {
      return [{ pointer: pointer(...path, name), detail: `must contain no more than ${field.maxElements} elements` }];
    }
    const { elementType } = field;
    if (!elementType) return [];
    return value.flatMap((element, index) => oversizedArrays(elementType(), element, [...path, name, index]));
  });
}

/** Those of the class itself and of the classes that it extends. */
function arrayFieldsOf(dto: DtoClass): [string, ArrayField][] {
  const all: [string, ArrayField][] = [];
  for (let prototype = dto.prototype as Prototype | null; prototype; prototype = Object.getPrototypeOf(prototype) as Prototype | null) {
    all.push(...(fieldsByPrototype.get(prototype) ?? []));
  }
  return all;
}
