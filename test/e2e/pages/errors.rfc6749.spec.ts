import { ForbiddenException, NotFoundException } from '@nestjs/common';
import { invalidRequest, OAuthError } from '../../../src/common/oauth/oauth-error.js';
import { TemporarilyUnavailableError } from '../../../src/common/temporarily-unavailable.error.js';
import { de } from '../../../src/pages/texts/de.js';
import { en } from '../../../src/pages/texts/en.js';
import { HtmlDocument } from '../../support/html-document.js';
import { PagesApp } from '../../support/pages-app.js';

describe('RFC 6749 §4.1.2.1: an error that no client may hear of', () => {
  let app: PagesApp;

  beforeAll(async () => {
    app = await PagesApp.start();
  });
  afterAll(() => app.stop());
  beforeEach(() => app.logLines.splice(0));

  const lastLog = () => JSON.parse(app.logLines.at(-1)!) as Record<string, unknown>;

  it.each<[name: string, thrown: unknown, status: number, reason: keyof typeof en.error.reasons]>([
    ['invalid_request', invalidRequest('A parameter is repeated.'), 400, 'invalid_request'],
    ['invalid_request with a status of its own', invalidRequest('The form is not from this page.', 403), 403, 'invalid_request'],
    ['unauthorized_client', new OAuthError('unauthorized_client', 'The client is not allowed.'), 400, 'unauthorized_client'],
    ['a database that cannot be asked', new TemporarilyUnavailableError('no connection to db.internal'), 503, 'temporarily_unavailable'],
    ['a path that does not exist', new NotFoundException(), 404, 'not_found'],
    ['another refusal of the framework', new ForbiddenException('secret'), 403, 'invalid_request'],
    ['a mistake of ours', new Error('SELECT secret FROM users'), 500, 'server_error'],
    ['what is not even an error', 'secret', 500, 'server_error'],
  ])('is a page: %s', async (_, thrown, status, reason) => {
    const answer = await app.fail(thrown);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { text } = new HtmlDocument(answer.text);
    expect(text).toContain(en.error.reasons[reason]);
    expect(text).toContain(status >= 500 ? en.error.later : en.error.advice);
    expect(answer.text).not.toMatch(/secret|SELECT|db\.internal|\.ts:\d/);
  });

  it('is told in the user’s language, with the description for the developer in English, and marked as such', async () => {
    const { text } = await app.fail(invalidRequest('A parameter is repeated.'), { uiLocales: 'de' });
    expect(text).toContain(de.error.reasons.invalid_request);
    expect(text).toContain('<dd lang="en"><bdi>A parameter is repeated.</bdi></dd>');
  });

  it('names the request under which it is in the log, with the private detail there only', async () => {
    const answer = await app.fail(new OAuthError('invalid_request', 'The client is unknown.', 400, {}, 'no client billing-cron'));
    const reference = answer.headers.get('x-request-id')!;
    expect(reference).toMatch(/^[\w-]+$/);
    expect(answer.text).toContain(`<bdi>${reference}</bdi>`);
    expect(answer.text).not.toContain('billing-cron');
    expect(lastLog()).toMatchObject({ msg: 'request refused', request_id: reference, status: 400, error: 'invalid_request', detail: 'no client billing-cron' });
  });

  it('of ours is logged as a failure', async () => {
    const answer = await app.fail(new Error('broken'));
    expect(lastLog()).toMatchObject({ msg: 'request failed', request_id: answer.headers.get('x-request-id'), status: 500 });
  });

  it('keeps the headers that belong to it', async () => {
    expect((await app.fail(new TemporarilyUnavailableError('x', 7))).headers.get('retry-after')).toBe('7');
    expect((await app.fail(invalidRequest('x', 405, { Allow: 'GET' }))).headers.get('allow')).toBe('GET');
  });

  it('has the security headers of every page', async () => {
    const { headers } = await app.fail(new Error('x'));
    expect(headers.get('content-security-policy')).toBe("default-src 'none';style-src 'self';img-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'");
    expect(headers.get('x-frame-options')).toBe('DENY');
  });
});
