import { createHash } from 'node:crypto';
import { formActionSource } from '../../../src/pages/page-headers.js';
import { HtmlDocument } from '../../support/html-document.js';
import { PagesApp } from '../../support/pages-app.js';
import { VIEW_NAMES } from '../../support/sample-pages.js';

const policyOf = (headers: Headers) => new Map((headers.get('content-security-policy') ?? '').split(';').map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1)]));

describe('Every page', () => {
  let app: PagesApp;

  beforeAll(async () => {
    app = await PagesApp.start({ ISSUER: 'https://id.example.com/tenant' });
  });
  afterAll(() => app.stop());

  it.each(VIEW_NAMES)('%s is kept by nobody, framed by nobody, and tells no other site where it was (RFC 9700 §4.2.4, §4.16)', async (view) => {
    const { status, headers } = await app.show(view);
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'strict-transport-security': 'max-age=31536000',
    });
    expect(headers.get('permissions-policy')).toContain('camera=()');
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it.each(VIEW_NAMES)('%s may load nothing but our own stylesheet and images, and run nothing (CSP)', async (view) => {
    const { headers, text } = await app.show(view);
    const policy = policyOf(headers);
    const scripts = [...text.matchAll(/<script>(.*?)<\/script>/gs)].map(([, script]) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': ["'none'"],
      'style-src': ["'self'"],
      'img-src': ["'self'"],
      'form-action': ["'self'"],
      'base-uri': ["'none'"],
      'frame-ancestors': ["'none'"],
      ...(view === 'form_post' ? { 'script-src': scripts } : {}),
    });
    expect(scripts).toHaveLength(view === 'form_post' ? 1 : 0);
  });

  it.each(VIEW_NAMES)('%s has no style, handler or address of its own that the policy would have to allow', async (view) => {
    const { tags } = new HtmlDocument((await app.show(view)).text);
    for (const { name, attributes } of tags) {
      expect(Object.keys(attributes).filter((key) => key === 'style' || key.startsWith('on'))).toEqual([]);
      const address = attributes['src'] ?? attributes['href'] ?? attributes['action'];
      if (address !== undefined && !(view === 'form_post' && name === 'form')) expect([name, address]).toEqual([name, expect.stringMatching(/^\/tenant\/[a-z]/)]);
    }
  });

  it('takes no address from the Host header', async () => {
    const raw = await app.driver.raw('GET /page HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n');
    expect(raw).toContain('200 OK');
    expect(raw).not.toContain('evil.example');
  });
});

describe('form-action', () => {
  let app: PagesApp;

  beforeAll(async () => {
    app = await PagesApp.start({ ISSUER: 'http://127.0.0.1:3000' });
  });
  afterAll(() => app.stop());

  it.each([
    ['https://reports.acme.example/callback?x=1', 'https:'],
    ['http://127.0.0.1:4000/callback', 'http:'],
    ['http://[::1]:4000/callback', 'http:'],
    ['com.example.app:/callback', 'com.example.app:'],
  ])('of a page whose form ends at %s names %s, for wherever the client goes from there', async (redirectUri, source) => {
    const { headers } = await app.show('consent', undefined, { options: { formAction: [formActionSource(redirectUri)] } });
    expect(policyOf(headers).get('form-action')).toEqual(["'self'", source]);
  });

  it('cannot be used to add a directive: the page fails instead', async () => {
    const answer = await app.show('consent', undefined, { options: { formAction: ["https:; script-src 'unsafe-inline'"] } });
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe-inline');
  });

  it('comes without Strict-Transport-Security where the issuer is not https', async () => {
    expect((await app.show('login')).headers.get('strict-transport-security')).toBeNull();
  });
});
