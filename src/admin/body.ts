import type { ClassConstructor } from 'class-transformer';
import type { ValidationError } from 'class-validator';
import { invalidInput, type ProblemPointer, pointer } from '../common/http/problem.js';
import { type DtoClass, oversizedArrays } from './dto/array-limits.js';
import { TRANSFORMATION, VALIDATION } from './dto/decorators.js';

/** Loads what {@link readBody} needs, unless that has been done: a tenth of a second in which nothing else is answered. */
export function loadBodyReader(): void {
  TRANSFORMATION.load();
  VALIDATION.load();
}

/**
 * Reads a request body as one of the DTOs. Members that the DTO does not name are refused, not dropped.
 * @throws {Problem} 400 that points at everything that is wrong
 */
export function readBody<T extends object>(dto: ClassConstructor<T> & DtoClass, body: unknown): T {
  const { instance, problems } = examine(dto, body);
  if (problems.length > 0) throw invalidInput(problems);
  return instance;
}

/**
 * Reads the state that a merge patch would make. What the patch leaves as it is may be there from a version with other
 * rules: nobody has to repair it in order to disable a client or a user.
 * @throws {Problem} 400 that points at every member that the patch names and that would be wrong
 */
export function readPatched<T extends object>(dto: ClassConstructor<T> & DtoClass, patched: object, patch: object): T {
  const { instance, problems } = examine(dto, patched);
  const named = Object.keys(patch).map((name) => pointer(name));
  const wrong = problems.filter(({ pointer: at }) => named.some((name) => at === name || at.startsWith(`${name}/`)));
  if (wrong.length > 0) throw invalidInput(wrong);
  return instance;
}

function examine<T extends object>(dto: ClassConstructor<T> & DtoClass, body: unknown): { instance: T; problems: ProblemPointer[] } {
  const oversized = oversizedArrays(dto, body);
  if (oversized.length > 0) throw invalidInput(oversized);
  const instance = TRANSFORMATION.load().plainToInstance(dto, body ?? {});
  const options = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };
  const errors = VALIDATION.load().validateSync(instance, options);
  const problems = errors.length > 0 ? errors.flatMap((error) => pointersOf(error, [])) : inheritedNames(body, []);
  return { instance, problems };
}

/** class-validator takes a member for known when every object inherits one of its name. */
function inheritedNames(value: unknown, path: readonly string[]): ProblemPointer[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    !Array.isArray(value) && name in Object.prototype ? [{ pointer: pointer(...path, name), detail: 'is not a known field' }] : inheritedNames(member, [...path, name]),
  );
}

/**
 * Takes out what a caller may send back although it cannot be set: what was read may be sent back whole.
 * @param shown the item as the admin API shows it
 * @param readOnly members that never change: they must say what is so
 * @param ignored members that change by themselves, or are about the response
 * @throws {Problem} 400 when a read-only member says something else
 */
export function withoutReadOnly(body: object | undefined, shown: object, readOnly: readonly string[], ignored: readonly string[] = []): Record<string, unknown> {
  const rest: Record<string, unknown> = { ...body };
  for (const field of ignored) delete rest[field];
  for (const field of readOnly) {
    if (!(field in rest)) continue;
    if (rest[field] !== (shown as Record<string, unknown>)[field]) throw invalidInput([{ pointer: pointer(field), detail: 'cannot be changed' }]);
    delete rest[field];
  }
  return rest;
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
  if (!Array.isArray(value)) return [];
  const fits = constraint === 'isString' ? (element: unknown) => typeof element === 'string' : constraint === 'isObject' ? (element: unknown) => typeof element === 'object' && element !== null && !Array.isArray(element) : () => true;
  const index = value.findIndex((element) => !fits(element));
  return index < 0 ? [] : [index];
}
