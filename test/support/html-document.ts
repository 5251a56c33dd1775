export interface HtmlTag {
  name: string;
  attributes: Readonly<Record<string, string>>;
}

const TAG = /<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<>]*")?)*)>/g;
const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

const decoded = (text: string): string => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]);

/**
 * A page of ours, read more strictly than browsers do: whatever is not a whole tag in the form that our templates have is text, and in text there may be no bracket and no lone ampersand.
 * @throws when something was not escaped
 */
export class HtmlDocument {
  readonly tags: HtmlTag[] = [];
  /** All text, decoded, with one line break for each tag. */
  readonly text: string;

  constructor(readonly source: string) {
    const body = source.replace(/^<!doctype html>\n/, '').replace(/\n\s+/g, '\n');
    const rest = body.replace(TAG, (_, closing: string, name: string, attributes: string) => {
      if (closing === '') this.tags.push({ name, attributes: Object.fromEntries([...attributes.matchAll(/ ([a-z-]+)(?:="([^"]*)")?/g)].map(([, key, value]) => [key, decoded(value ?? '')])) });
      return '\n';
    });
    if (/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/.test(rest)) throw new Error(`not escaped: ${/.{0,60}(?:[<>]|&(?!(?:amp|lt|gt|quot|#39);)).{0,60}/.exec(rest)?.[0]}`);
    this.text = decoded(rest);
  }

  all(...names: string[]): HtmlTag[] {
    return this.tags.filter(({ name }) => names.includes(name));
  }

  byId(id: string): HtmlTag | undefined {
    return this.tags.find(({ attributes }) => attributes['id'] === id);
  }

  input(name: string): HtmlTag | undefined {
    return this.all('input').find(({ attributes }) => attributes['name'] === name);
  }
}
