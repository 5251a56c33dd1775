import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HtmlDocument } from '../../support/html-document.js';
import { PagesApp } from '../../support/pages-app.js';
import { expectProblem } from '../../support/problems.js';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mintgate-theme-'));
  writeFileSync(join(folder, 'logo.svg'), SVG);
  writeFileSync(join(folder, 'logo.png'), PNG);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs against pages with these settings. */
async function withPages(env: Record<string, string>, use: (app: PagesApp, page: HtmlDocument) => Promise<void>): Promise<void> {
  const app = await PagesApp.start(env);
  try {
    await use(app, new HtmlDocument((await app.show('login')).text));
  } finally {
    await app.stop();
  }
}

const sourceOf = (page: HtmlDocument) => page.all('img')[0].attributes;
const stylesheetOf = (page: HtmlDocument) => page.all('link').find(({ attributes }) => attributes['rel'] === 'stylesheet')!.attributes['href'];

describe('The theme', () => {
  it('without settings is the name of the server and its first letter', () =>
    withPages({}, async (app, page) => {
      expect(page.text).toContain('\nMintgate\n');
      expect(sourceOf(page)).toMatchObject({ alt: '', class: 'brand-mark' });
      const { headers, text } = await app.driver.request('GET', sourceOf(page)['src']);
      expect(headers.get('content-type')).toBe('image/svg+xml');
      expect(text).toMatch(/fill="#0b7a5f".+fill="#ffffff".+>M<\/text><\/svg>$/);
    }));

  it('has a name that may hold anything', () =>
    withPages({ THEME_NAME: '<b>"Ärzte" & \'Söhne\'' }, async (app, page) => {
      expect(page.text).toContain(`<b>"Ärzte" & 'Söhne'`);
      expect((await app.driver.request('GET', sourceOf(page)['src'])).text).toContain('>&lt;</text>');
    }));

  it.each([
    ['logo.svg', 'image/svg+xml', Buffer.from(SVG)],
    ['logo.png', 'image/png', PNG],
  ])('shows %s as it is, with the name as its text, where nothing in it can run', (file, type, bytes) =>
    withPages({ THEME_LOGO_FILE: join(folder, file), THEME_NAME: 'Globex' }, async (app, page) => {
      expect(sourceOf(page)).toMatchObject({ alt: 'Globex', class: 'brand-logo' });
      const res = await fetch(app.url + sourceOf(page)['src']);
      expect(res.headers.get('content-type')).toBe(type);
      expect(res.headers.get('content-security-policy')).toMatch(/^default-src 'none';.*; sandbox$/);
      expect(res.headers.get('x-content-type-options')).toBe('nosniff');
      expect(Buffer.from(await res.arrayBuffer()).equals(bytes)).toBe(true);
    }));

  it('colours light pages by THEME_COLOR and dark ones by THEME_COLOR_DARK', () =>
    withPages({ THEME_COLOR: '#a1b2c3', THEME_COLOR_DARK: 'ABC' }, async (app, page) => {
      const { text } = await app.driver.request('GET', stylesheetOf(page));
      expect([...text.matchAll(/--accent:(#\w{6})/g)].map(([, color]) => color)).toEqual(['#a1b2c3', '#aabbcc']);
    }));
});

describe('The stylesheet', () => {
  it('may be kept for ever, since its name changes with its content', () =>
    withPages({}, async (app, page) => {
      const { status, headers } = await app.driver.request('GET', stylesheetOf(page));
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/css; charset=utf-8');
      expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      await withPages({ THEME_COLOR: '#123456' }, async (_, other) => expect(stylesheetOf(other)).not.toBe(stylesheetOf(page)));
      await withPages({}, async (_, same) => expect(stylesheetOf(same)).toBe(stylesheetOf(page)));
    }));

  it('of another version is answered with this one, and not kept: instances are upgraded one after another', () =>
    withPages({}, async (app, page) => {
      const { status, headers, text } = await app.driver.request('GET', '/assets/pages.0123456789abcdef.css');
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(text).toBe((await app.driver.request('GET', stylesheetOf(page))).text);
    }));

  it('is found below the path of the issuer', () =>
    withPages({ ISSUER: 'https://id.example.com/tenant' }, async (app, page) => {
      expect(stylesheetOf(page)).toMatch(/^\/tenant\/assets\/pages\.[0-9a-f]{16}\.css$/);
      expect((await app.driver.request('GET', stylesheetOf(page))).status).toBe(200);
    }));

  it('names nothing that would be loaded from anywhere', () =>
    withPages({}, async (app, page) => {
      expect((await app.driver.request('GET', stylesheetOf(page))).text).not.toMatch(/url\(|@import|https?:/);
    }));

  it.each(['/assets/pages.css', '/assets/pages.0123.js', '/assets/logo.0123.svg', '/assets/constructor', '/assets/..%2fpackage.json', '/assets/%00', '/assets/styles%2fbase.css'])('has no neighbour: GET %s is 404', (path) =>
    withPages({}, async (app) => {
      expectProblem(await app.driver.request('GET', path), 404);
    }));
});
