import { de } from '../../../src/pages/texts/de.js';
import { en } from '../../../src/pages/texts/en.js';
import { HtmlDocument } from '../../support/html-document.js';
import { PagesApp } from '../../support/pages-app.js';
import { SAMPLES, VIEW_NAMES } from '../../support/sample-pages.js';

type Leaves = [path: string, text: string][];

const leaves = (texts: object, path = ''): Leaves => Object.entries(texts).flatMap(([key, value]: [string, unknown]): Leaves => (typeof value === 'string' ? [[`${path}${key}`, value]] : leaves(value as object, `${path}${key}.`)));

describe('The language of a page', () => {
  let english: PagesApp;
  let german: PagesApp;

  beforeAll(async () => {
    english = await PagesApp.start();
    german = await PagesApp.start({ DEFAULT_LOCALE: 'de' });
  });
  afterAll(async () => {
    await english.stop();
    await german.stop();
  });

  it.each<[uiLocales: string | undefined, acceptLanguage: string, expected: string]>([
    ['de', 'en', 'de'],
    ['fr de-AT en', 'en', 'de'],
    ['EN de', 'de', 'en'],
    ['fr', 'de', 'de'],
    ['', 'de', 'de'],
    [undefined, 'de-CH, en;q=0.8', 'de'],
    [undefined, 'en;q=0.5, de;q=0.9', 'de'],
    [undefined, 'fr, en-GB;q=0.1', 'en'],
    [undefined, 'fr, de;q=0', 'en'],
    [undefined, '*', 'en'],
    [undefined, ';;q=,,', 'en'],
  ])('is, for ui_locales %p and Accept-Language %p, %s (OIDC Core §3.1.2.1, RFC 9110 §12.5.4)', async (uiLocales, acceptLanguage, expected) => {
    const { headers, text } = await english.show('login', undefined, { ...(uiLocales === undefined ? {} : { uiLocales }), headers: { 'accept-language': acceptLanguage } });
    expect(headers.get('content-language')).toBe(expected);
    expect(text).toContain(`<html lang="${expected}">`);
  });

  it('is that of ui_locales in the query of the request itself, for a request that is refused before it is understood', async () => {
    expect((await english.fail(new Error('x'), { query: '?ui_locales=de' })).text).toContain(de.error.heading);
    expect((await english.fail(new Error('x'), { query: '?ui_locales=de&ui_locales=de' })).text).toContain(en.error.heading);
  });

  it('is that of DEFAULT_LOCALE where none of the user’s is ours', async () => {
    expect((await german.show('login', undefined, { headers: { 'accept-language': 'fr, ja' } })).headers.get('content-language')).toBe('de');
    expect((await german.show('login', undefined, { headers: { 'accept-language': 'fr, en;q=0.1' } })).headers.get('content-language')).toBe('en');
  });

  it.each(VIEW_NAMES)('is one and the same all over the view %s', async (view) => {
    const inEnglish = new HtmlDocument((await english.show(view)).text).text;
    const inGerman = new HtmlDocument((await german.show(view, undefined, { headers: { 'accept-language': 'de' } })).text).text;
    const foreign = (page: string, own: Leaves, other: Leaves) => {
      const said = new Set(own.map(([, text]) => text));
      return other.filter(([, text]) => !said.has(text) && !text.includes('{') && text.length > 4 && page.split('\n').includes(text)).map(([path]) => path);
    };
    expect(foreign(inEnglish, leaves(en), leaves(de))).toEqual([]);
    expect(foreign(inGerman, leaves(de), leaves(en))).toEqual([]);
  });

  it('decides how times and durations are written', async () => {
    const inGerman = await german.show('account', undefined, { headers: { 'accept-language': 'de' } });
    expect(inGerman.text).toContain('<time datetime="2026-11-24T18:30:00.000Z">24.11.2026, 18:30 UTC</time>');
    expect((await english.show('account')).text).toContain('>20 Nov 2026</time>');
  });

  it.each([
    [300, '5 minutes'],
    [5400, '90 minutes'],
    [3600, '1 hour'],
    [86_400, '1 day'],
    [2_592_000, '30 days'],
    [10, '10 seconds'],
    [119, '119 seconds'],
  ])('says %p seconds as %s', async (accessSeconds, expected) => {
    expect((await english.show('consent', { ...SAMPLES.consent, accessSeconds })).text).toContain(`<dd>${expected}</dd>`);
  });
});

describe('The texts', () => {
  it('have the same values to fill in, in each language', () => {
    const names = (texts: object) => leaves(texts).map(([path, text]) => [path, (text.match(/\{\w+\}/g) ?? []).sort()]);
    expect(names(de)).toEqual(names(en));
  });

  it('are never empty, and none was left in English', () => {
    const english = new Map(leaves(en));
    const same = leaves(de).filter(([path, text]) => text === english.get(path)).map(([path]) => path);
    expect(same.filter((path) => !/status$/.test(path))).toEqual([]);
    expect([...leaves(en), ...leaves(de)].filter(([, text]) => text.trim() === '')).toEqual([]);
  });
});
