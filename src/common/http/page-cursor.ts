import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidInput, Problem } from './problem.js';

export const MAX_PAGE_SIZE = 200;
export const DEFAULT_PAGE_SIZE = 50;

/** Which page of a list is asked for: rows below `before` (an internal row number), newest first. */
export interface Page {
  limit: number;
  before?: number;
}

/**
 * Cursors name the last row that was seen. They are signed and bound to their list and its filters, so that none can be forged
 * or carried over to another query.
 */
export class PageCursors {
  /** @param keys the first signs, each is accepted */
  constructor(private readonly keys: readonly Buffer[]) {}

  /** @param query the list's name and filters; a cursor made for one is refused for any other */
  read(query: readonly unknown[], limit: string | undefined, cursor: string | undefined): Page {
    return { limit: readLimit(limit), ...(cursor === undefined ? {} : { before: this.open(query, cursor) }) };
  }

  /** The answer's `items` and `next_cursor`, of one row more than the page holds. */
  page<Row extends { id: number }, Item>(query: readonly unknown[], page: Page, rows: readonly Row[], present: (row: Row) => Item): { items: Item[]; next_cursor: string | null } {
    const shown = rows.slice(0, page.limit);
    return { items: shown.map(present), next_cursor: rows.length > page.limit ? this.seal(query, shown.at(-1)!.id) : null };
  }

  private seal(query: readonly unknown[], id: number): string {
    return `${id.toString(36)}.${tagUnder(this.keys[0], query, id).toString('base64url')}`;
  }

  private open(query: readonly unknown[], cursor: string): number {
    const match = /^([0-9a-z]{1,11})\.([\w-]{22})$/.exec(cursor);
    const id = match ? Number.parseInt(match[1], 36) : Number.NaN;
    const tag = match ? Buffer.from(match[2], 'base64url') : Buffer.alloc(0);
    if (!Number.isSafeInteger(id) || tag.length !== 16 || !this.keys.some((key) => timingSafeEqual(tag, tagUnder(key, query, id)))) {
      throw new Problem(400, 'The cursor does not belong to this list and these filters.');
    }
    return id;
  }
}

const tagUnder = (key: Buffer, query: readonly unknown[], id: number): Buffer =>
  createHmac('sha256', key).update(JSON.stringify([...query, id])).digest().subarray(0, 16);

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PAGE_SIZE;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(limit >= 1 && limit <= MAX_PAGE_SIZE)) throw invalidInput([{ pointer: '/limit', detail: `must be a whole number from 1 to ${MAX_PAGE_SIZE}` }]);
  return limit;
}
