import { contrast } from '../../../src/pages/theme/contrast.js';
import { HtmlDocument } from '../../support/html-document.js';
import { PagesApp } from '../../support/pages-app.js';
import { SAMPLES, VIEW_NAMES } from '../../support/sample-pages.js';

describe('WCAG 2.2 AA', () => {
  let app: PagesApp;

  beforeAll(async () => {
    app = await PagesApp.start();
  });
  afterAll(() => app.stop());

  const shown = async (view: (typeof VIEW_NAMES)[number]) => new HtmlDocument((await app.show(view)).text);

  describe.each(VIEW_NAMES)('%s', (view) => {
    it('has a language, a title, one main part and one first heading (1.3.1, 2.4.2, 3.1.1)', async () => {
      const document = await shown(view);
      expect(document.all('html')[0].attributes['lang']).toBe('en');
      expect(document.source).toMatch(/<title>\w[^<]* · Mintgate<\/title>/);
      expect(document.all('main', 'h1').map(({ name }) => name)).toEqual(['main', 'h1']);
    });

    it('can be zoomed (1.4.4)', async () => {
      const viewport = (await shown(view)).all('meta').find(({ attributes }) => attributes['name'] === 'viewport');
      expect(viewport?.attributes['content']).toBe('width=device-width, initial-scale=1');
    });

    it('gives every field a label and a purpose that password managers know (1.3.5, 3.3.2, 3.3.8)', async () => {
      const document = await shown(view);
      const labelled = new Set(document.all('label').map(({ attributes }) => attributes['for']));
      for (const { attributes } of document.all('input')) {
        if (attributes['type'] === 'hidden' || attributes['aria-hidden'] === 'true') continue;
        expect([attributes['id'], labelled.has(attributes['id']), attributes['autocomplete']]).toEqual([attributes['name'], true, expect.stringMatching(/^(username|(current|new)-password)$/)]);
      }
    });

    it('uses each id once, and refers to none that is not there (1.3.1)', async () => {
      const document = await shown(view);
      const ids = document.tags.flatMap(({ attributes }) => attributes['id'] ?? []);
      expect(new Set(ids).size).toBe(ids.length);
      const referred = document.tags.flatMap(({ attributes }) => ['aria-describedby', 'aria-labelledby', 'for'].flatMap((key) => attributes[key]?.split(' ') ?? []));
      expect(referred.filter((id) => !ids.includes(id))).toEqual([]);
    });

    it('takes the focus to one place at most (2.4.3)', async () => {
      expect((await shown(view)).tags.filter(({ attributes }) => 'autofocus' in attributes).length).toBeLessThanOrEqual(1);
    });
  });

  describe('3.3.1: a mistake', () => {
    it('at sign-in is told first, with the focus on it, and by both fields, since neither is said to be the wrong one', async () => {
      const document = await shown('login');
      expect(document.byId('sign-in-error')?.attributes).toMatchObject({ role: 'alert', tabindex: '-1', autofocus: '' });
      for (const name of ['username', 'password']) expect(document.input(name)?.attributes).toMatchObject({ 'aria-invalid': 'true', 'aria-describedby': 'sign-in-error' });
    });

    it('that is none of a field’s marks no field', async () => {
      const document = new HtmlDocument((await app.show('login', { ...SAMPLES.login, error: 'throttled' })).text);
      expect(document.byId('sign-in-error')).toBeDefined();
      expect(document.source).not.toContain('aria-invalid');
    });

    it.each([
      ['wrong', 'current_password'],
      ['mismatch', 'new_password_repeat'],
      ['short', 'new_password'],
      ['common', 'new_password'],
    ] as const)('%s in the change of a password is told by the field %s', async (passwordError, name) => {
      const document = new HtmlDocument((await app.show('account', { ...SAMPLES.account, passwordError })).text);
      const marked = document.all('input').filter(({ attributes }) => attributes['aria-invalid'] === 'true');
      expect(marked.map(({ attributes }) => attributes['name'])).toEqual([name]);
      expect(marked[0].attributes['aria-describedby'].split(' ')).toContain('password-error');
    });

    it('does not take the password back to the page', async () => {
      expect((await shown('login')).input('password')?.attributes).not.toHaveProperty('value');
    });
  });

  it('without a mistake the focus is in the first empty field', async () => {
    const focused = async (username?: string) => new HtmlDocument((await app.show('account_login', { csrfToken: 'x', action: '/x', ...(username ? { username } : {}) })).text).tags.find(({ attributes }) => 'autofocus' in attributes)?.attributes['name'];
    expect(await focused()).toBe('username');
    expect(await focused('margaret')).toBe('password');
  });

  it('tells buttons with the same words apart (2.4.6)', async () => {
    expect((await app.show('account')).text).toContain('Remove access<span class="unseen"> (<bdi>Acme Reports</bdi>)</span>');
  });

  it('heeds reduced motion, forced colours and the focus (2.4.7, 2.3.3)', async () => {
    const styles = await app.driver.request('GET', new HtmlDocument((await app.show('login')).text).all('link')[1].attributes['href']);
    expect(styles.text).toContain('(prefers-reduced-motion: no-preference)');
    expect(styles.text).toContain('(forced-colors: active)');
    expect(styles.text).toMatch(/:focus-visible \{ outline: 3px/);
    expect(styles.text).not.toMatch(/outline: (none|0)/);
  });
});

describe.each(['#0b7a5f', '#000000', '#ffffff', '#ffd400', '#e60023', '#808080', '#0b1f4d', '#00ffff', '#777777'])('WCAG 2.2 AA with THEME_COLOR=%s', (color) => {
  type Palette = Record<string, string>;
  let palettes: Palette[];

  beforeAll(async () => {
    const app = await PagesApp.start({ THEME_COLOR: color });
    const href = new HtmlDocument((await app.show('login')).text).all('link')[1].attributes['href'];
    const { text } = await app.driver.request('GET', href);
    palettes = [...text.matchAll(/:root\{([^}]*)\}/g)].map(([, body]) => Object.fromEntries([...body.matchAll(/--([\w-]+):(#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value])));
    await app.stop();
  });

  it('has a palette for light pages and one for dark pages, and the colour is taken as it is', () => {
    expect(palettes).toHaveLength(2);
    expect(palettes[0]['accent']).toBe(color);
  });

  it.each<[text: string, surface: string]>([
    ['text', 'page'], ['text', 'card'], ['text', 'accent-tint'], ['muted', 'page'], ['muted', 'card'], ['muted', 'accent-tint'], ['link', 'page'], ['link', 'card'], ['link', 'accent-tint'],
    ['on-accent', 'accent'], ['on-accent', 'accent-hover'], ['danger', 'card'], ['danger', 'danger-tint'], ['success', 'success-tint'], ['caution', 'caution-tint'],
  ])('%s on %s has a contrast of 4.5 or more (1.4.3)', (text, surface) => {
    for (const palette of palettes) expect(contrast(palette[text], palette[surface])).toBeGreaterThanOrEqual(4.5);
  });

  it.each<[edge: string, surface: string]>([['control-edge', 'card'], ['accent-edge', 'card'], ['link', 'card'], ['danger', 'card']])('%s around a control on %s has a contrast of 3 or more (1.4.11)', (edge, surface) => {
    for (const palette of palettes) expect(contrast(palette[edge], palette[surface])).toBeGreaterThanOrEqual(3);
  });
});

it('contrast is that of the WCAG examples', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  expect(contrast('#ffffff', '#767676')).toBeCloseTo(4.54, 2);
});
