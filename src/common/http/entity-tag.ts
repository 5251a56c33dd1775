import type { Request } from 'express';
import { Problem } from './problem.js';

/** The entity tag (RFC 9110 §8.8.3) of a stored row: it changes with every write, and a row made anew under an old name has another one. */
export const entityTag = (row: { id: number; version: number }): string => `"${row.id}-${row.version}"`;

/** @throws {Problem} 412 when `If-Match` (RFC 9110 §13.1.1) names another state than the current one; `undefined` = nothing is there */
export function assertIfMatch(req: Request, current: string | undefined): void {
  const header = req.headers['if-match'];
  if (header !== undefined && !(current !== undefined && matches(header, current, false))) throw new Problem(412, 'The item has changed since you read it.');
}

/** @throws {Problem} 412 when `If-None-Match` (RFC 9110 §13.1.2) forbids a write over what is there */
export function assertIfNoneMatch(req: Request, current: string | undefined): void {
  const header = req.headers['if-none-match'];
  if (header !== undefined && current !== undefined && matches(header, current, true)) throw new Problem(412, 'The item exists already.');
}

/** Whether a GET may be answered 304. */
export function isNotModified(req: Request, current: string): boolean {
  const header = req.headers['if-none-match'];
  return header !== undefined && matches(header, current, true);
}

function matches(header: string, current: string, weak: boolean): boolean {
  return header.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed === current || (weak && trimmed === `W/${current}`);
  });
}
