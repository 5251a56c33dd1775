import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { invalidInput, type ProblemPointer, pointer } from '../common/http/problem.js';

/**
 * Reads a request body as one of the DTOs. Members that the DTO does not name are refused, not dropped.
 * @throws {Problem} 400 that points at everything that is wrong
 */
export function readBody<T extends object>(dto: ClassConstructor<T>, body: unknown): T {
  const instance = plainToInstance(dto, body ?? {});
  const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  if (errors.length > 0) throw invalidInput(errors.flatMap((error) => pointersOf(error, [])));
  return instance;
}

function pointersOf(error: ValidationError, path: readonly (string | number)[]): ProblemPointer[] {
  const here = [...path, error.property];
  const own = Object.entries(error.constraints ?? {}).map(([name, message]) => ({
    pointer: pointer(...here, ...offendingIndex(name, error.value)),
    detail: name === 'whitelistValidation' ? 'is not a known field' : message.replace(`${error.property} `, '').replace('each value in ', ''),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => pointersOf(child, here))];
}

/** class-validator says only that some element is wrong; where it is plain to see, the pointer says which. */
function offendingIndex(constraint: string, value: unknown): number[] {
  if (!Array.isArray(value) || constraint !== 'isString') return [];
  const index = value.findIndex((element) => typeof element !== 'string');
  return index < 0 ? [] : [index];
}
