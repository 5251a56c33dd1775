import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { toMarkup } from '../../../src/pages/html.js';
import type { Views } from '../../../src/pages/views.js';
import { HtmlDocument } from '../../support/html-document.js';
import { PagesApp } from '../../support/pages-app.js';
import { SAMPLES, VIEW_NAMES } from '../../support/sample-pages.js';

/** What a template decides by, and no stranger writes. */
const OURS = new Set(['action', 'actions', 'error', 'notice', 'passwordError', 'reason', 'signInPath']);

/** The same model with something else in the place of every text that may come from strangers. */
function withTexts<T>(model: T, text: string): T {
  if (typeof model === 'string') return text as T;
  if (Array.isArray(model)) return model.map((each: unknown) => withTexts(each, text)) as T;
  if (typeof model !== 'object' || model === null) return model;
  return Object.fromEntries(Object.entries(model).map(([key, value]) => [key, OURS.has(key) ? (value as unknown) : withTexts<unknown>(value, text)])) as T;
}

describe('Text that strangers have chosen', () => {
  let app: PagesApp;

  beforeAll(async () => {
    app = await PagesApp.start();
  });
  afterAll(() => app.stop());

  const shown = async <V extends keyof Views>(view: V, model: Views[V]) => new HtmlDocument((await app.show(view, model)).text);

  describe.each(VIEW_NAMES)('in the view %s', (view) => {
    it.each([
      ['markup', '<img src=x onerror=alert(1)>'],
      ['the end of an attribute', '" autofocus onfocus="alert(1)'],
      ['the other quotes', "' onfocus='alert(1)"],
      ['the end of an element', '</title></textarea></script><script>alert(1)</script>'],
      ['a template', '<%= it.model.csrfToken %> {client} {user} ${1}'],
      ['an entity', '&lt;b&gt; &amp;quot;'],
    ])('stays text: %s', async (_, hostile) => {
      const harmless = await shown(view, withTexts(SAMPLES[view], 'harmless'));
      const document = await shown(view, withTexts(SAMPLES[view], hostile));
      expect(document.tags.map(({ name, attributes }) => [name, Object.keys(attributes)])).toEqual(harmless.tags.map(({ name, attributes }) => [name, Object.keys(attributes)]));
      const count = (page: HtmlDocument, text: string) => page.text.split(text).length + page.tags.filter(({ attributes }) => attributes['value'] === text).length;
      expect(count(document, hostile)).toBe(count(harmless, 'harmless'));
    });

    it('is set off, and cannot turn what is around it or itself (U+202E)', async () => {
      const { source, text } = await shown(view, withTexts(SAMPLES[view], '\u202emoc.elpmaxe\u2066\u2069'));
      expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
      for (const [, before] of source.matchAll(/(.{0,5})moc\.elpmaxe/g)) expect(before).toMatch(/<bdi>$|="\u202e$/);
    });
  });

  it('is sent back unchanged where a form carries it', async () => {
    const state = '\u202e <"state"> & \u2066';
    const document = await shown('form_post', { ...SAMPLES.form_post, params: { state } });
    expect(document.input('state')?.attributes['value']).toBe(state);
  });

  it.each(['constructor', '__proto__', 'toString'])('is no key of ours: the scope %s is shown by its name', async (scope) => {
    const document = await shown('consent', { ...SAMPLES.consent, scopes: [{ scope }] });
    expect(document.source).toContain(`<code><bdi>${scope}</bdi></code>`);
  });

  it('is written by no template without being escaped: parts of the page itself are all that is', () => {
    const views = resolve(__dirname, '../../../src/pages/views');
    const templates = readdirSync(views, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.eta'));
    const raw = templates.flatMap((name) => [...readFileSync(join(views, name), 'utf8').matchAll(/<%~(?! (?:include\(|it\.body %>)).*/g)].map(([tag]) => `${name}: ${tag}`));
    expect(templates.length).toBeGreaterThan(VIEW_NAMES.length);
    expect(raw).toEqual([]);
  });

  it('that is no text at all is refused', () => {
    expect(() => toMarkup({ toString: () => '<b>' })).toThrow(TypeError);
    expect(toMarkup(undefined)).toBe('');
  });
});

describe('A client', () => {
  let app: PagesApp;

  beforeAll(async () => {
    app = await PagesApp.start();
  });
  afterAll(() => app.stop());

  it('without a name is called by its id', async () => {
    const { text } = await app.show('login', { ...SAMPLES.login, client: { clientId: 'billing-cron' } });
    expect(text).toContain('<bdi>billing-cron</bdi>');
  });

  it('whose identity cannot be assured is announced as such, another one is not (RFC 8252 §8.6)', async () => {
    const caution = (text: string) => text.includes('nobody can check');
    expect(caution((await app.show('consent')).text)).toBe(true);
    expect(caution((await app.show('consent', { ...SAMPLES.consent, unverified: false })).text)).toBe(false);
  });

  it('is shown with where it leads, its id, how long it may act, and each scope in the best words there are', async () => {
    const { text } = new HtmlDocument((await app.show('consent')).text);
    for (const expected of ['reports.acme.example', 'acme-reports', '30 days', 'Recognise you when you sign in', 'Read your invoices', 'invoices:write', 'margaret']) expect(text).toContain(expected);
    expect(text).not.toContain('invoices:read');
  });
});
