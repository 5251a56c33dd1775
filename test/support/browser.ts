import { randomBytes, createHash } from 'node:crypto';
import type { Answer, UserCredentials } from './oauth-driver.js';

export interface PageAnswer extends Answer {
  /** The Location header, resolved. */
  location?: URL;
}

/** A person's browser without its window: it keeps cookies, follows nothing by itself, and sends the forms of pages. */
export class Browser {
  /** By name and path. */
  private readonly cookies = new Map<string, { name: string; value: string; path: string }>();

  /** @param issuer whose URLs are served at `url` */
  constructor(
    readonly url: string,
    private readonly issuer = url,
  ) {}

  async request(method: string, path: string, init: { headers?: Record<string, string>; body?: string } = {}): Promise<PageAnswer> {
    const target = new URL(path.startsWith(this.issuer) ? path.slice(this.issuer.length) : path, this.url);
    const cookie = this.cookieHeader(target.pathname);
    const res = await fetch(target, { method, redirect: 'manual', ...init, headers: { ...(cookie === '' ? {} : { cookie }), ...init.headers } });
    for (const line of res.headers.getSetCookie()) this.keep(line);
    const text = await res.text();
    const location = res.headers.get('location');
    return { status: res.status, headers: res.headers, text, body: {}, ...(location === null ? {} : { location: new URL(location, target) }) };
  }

  get(path: string, headers: Record<string, string> = {}): Promise<PageAnswer> {
    return this.request('GET', path, { headers });
  }

  post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<PageAnswer> {
    return this.request('POST', path, { headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: new URLSearchParams(form).toString() });
  }

  /** Follows redirects of this server, and stops at a page or at one that leads elsewhere. */
  async follow(answer: PageAnswer): Promise<PageAnswer> {
    let current = answer;
    while (current.location && this.isOurs(current.location)) current = await this.get(current.location.href);
    return current;
  }

  /** Sends the form of a page with what its hidden fields hold. */
  async submit(page: PageAnswer, fields: Record<string, string>, action = formAction(page)): Promise<PageAnswer> {
    return this.follow(await this.post(action, { ...hiddenFields(page.text), ...fields }));
  }

  /** Signs in, from an authorization request or a page that asks for it. */
  async signIn(page: PageAnswer, { username, password }: UserCredentials): Promise<PageAnswer> {
    return this.submit(await this.follow(page), { username, password, decision: 'sign_in' });
  }

  /** Goes through all pages of an authorization request, and allows what is asked. Answers the redirect to the client, or where it got stuck. */
  async authorize(path: string, user: UserCredentials): Promise<PageAnswer> {
    let page = await this.follow(await this.get(path));
    if (/name="password"/.test(page.text)) page = await this.signIn(page, user);
    if (/value="allow"/.test(page.text)) page = await this.submit(page, { decision: 'allow' });
    return page;
  }

  cookie(name: string): string | undefined {
    return [...this.cookies.values()].find((cookie) => cookie.name === name)?.value;
  }

  /** The cookie of the form that was shown last. */
  formCookie(): { name: string; value: string } | undefined {
    return [...this.cookies.values()].findLast(({ name }) => /^(__Host-)?mintgate_form_/.test(name));
  }

  setCookie(name: string, value: string, path = '/'): void {
    this.cookies.set(`${name} ${path}`, { name, value, path });
  }

  clearCookies(): void {
    this.cookies.clear();
  }

  private isOurs(url: URL): boolean {
    return url.href.startsWith(this.issuer) || url.href.startsWith(this.url);
  }

  private cookieHeader(path: string): string {
    return [...this.cookies.values()].filter((cookie) => path.startsWith(cookie.path)).map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  private keep(line: string): void {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const [name, ...value] = pair.split('=');
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
    if (attributes.some((attribute) => /^max-age=0$/i.test(attribute))) this.cookies.delete(`${name} ${path}`);
    else this.setCookie(name, value.join('='), path);
  }
}

const unescape = (text: string): string => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');

/** The hidden fields of a page's first form. */
export function hiddenFields(html: string): Record<string, string> {
  const form = /<form[^>]*>[\s\S]*?<\/form>/.exec(html)?.[0] ?? '';
  const inputs = form.match(/<input[^>]*type="hidden"[^>]*>/g) ?? [];
  return Object.fromEntries(inputs.map((input) => [/name="([^"]*)"/.exec(input)?.[1] ?? '', unescape(/value="([^"]*)"/.exec(input)?.[1] ?? '')]));
}

export function formAction({ text }: PageAnswer): string {
  const action = /<form[^>]*action="([^"]*)"/.exec(text)?.[1];
  if (action === undefined) throw new Error(`no form on this page: ${text.slice(0, 300)}`);
  return unescape(action);
}

/** A verifier and its S256 challenge (RFC 7636 §4). */
export function newPkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}
