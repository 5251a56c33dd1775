import type { Request } from 'express';
import { invalidInput, pointer } from '../common/http/problem.js';
import { parseRfc3339 } from '../common/time/rfc3339.js';

/** The query of a list: which page, and what else it is asked for. */
export type ListQuery<Name extends string = never> = { [N in Name | 'limit' | 'cursor']?: string };

/**
 * The query parameters of a list: each at most once, none that the list does not know.
 * @throws {Problem} 400
 */
export function readQuery<const Name extends string>(req: Request, names: readonly Name[]): { [N in Name]?: string } {
  const query = req.query as Record<string, unknown>;
  const wrong = Object.keys(query).flatMap((name) => {
    if (!(names as readonly string[]).includes(name)) return [{ pointer: pointer(name), detail: 'is not a known query parameter' }];
    const value = query[name];
    return typeof value === 'string' && value.length <= 500 && !value.includes('\0') ? [] : [{ pointer: pointer(name), detail: 'must be given once, with 500 characters at most' }];
  });
  if (wrong.length > 0) throw invalidInput(wrong);
  return { ...query } as { [N in Name]?: string };
}

export function readBoolean(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text !== 'true' && text !== 'false') throw invalidInput([{ pointer: pointer(name), detail: 'must be true or false' }]);
  return text === 'true';
}

export function readInteger(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalidInput([{ pointer: pointer(name), detail: `must be a whole number from ${min} to ${max}` }]);
  return value;
}

/** Milliseconds since the epoch of an RFC 3339 time. */
export function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseRfc3339(text);
  if (ms === undefined) throw invalidInput([{ pointer: pointer(name), detail: 'must be a time such as 2026-11-23T14:00:00Z' }]);
  return ms;
}
