const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for an element's content or a quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]);

/** Markup that was made from escaped parts: the one kind of value that templates write as it is. */
export class Html {
  constructor(readonly markup: string) {}
}

/**
 * What a template writes for a value: text escaped, nothing for one that is missing.
 * @throws {TypeError} for what is no text, which would show as `[object Object]`
 */
export function toMarkup(value: unknown): string {
  if (value instanceof Html) return value.markup;
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' && typeof value !== 'number') throw new TypeError('a template writes texts and numbers only');
  return escapeHtml(String(value));
}

/** Characters that turn the direction of text by hand, or end a line. The direction of letters themselves needs none of them. */
// eslint-disable-next-line no-control-regex -- these are what is looked for
const DIRECTION_AND_CONTROL = /[\u202a-\u202e\u2066-\u2069\u2028\u2029\u0000-\u001f\u007f-\u009f]/g;

/** Text that others have chosen, set off from our own: neither its letters nor an override among them can turn what stands around it, or itself. */
export const isolated = (text: string): Html => new Html(`<bdi>${escapeHtml(text.replace(DIRECTION_AND_CONTROL, ''))}</bdi>`);

/** A sentence with isolated values in the place of its `{names}`. */
export function sentence(text: string, values: Readonly<Record<string, string>>): Html {
  return new Html(text.split(/\{(\w+)\}/).map((part, index) => (index % 2 === 0 ? escapeHtml(part) : isolated(values[part] ?? '').markup)).join(''));
}
