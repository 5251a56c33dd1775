import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Config } from '../config/config.js';

/** Forms that may be open in one browser: of the sign-ins of as many tabs. */
const MAX_FORMS = 16;

/**
 * The cookies of people's browsers. No script can read them, and other sites send them along by a link only. On https
 * their names begin with `__Host-`, so browsers take them from this very host alone: not from another host of the
 * domain, and not over http (RFC 6265bis §4.1.3.2).
 */
@Injectable()
export class BrowserCookies {
  private readonly secure: boolean;
  private readonly sessionName: string;
  private readonly formPrefix: string;

  constructor(config: Config) {
    // On http, which is for loopback, browsers accept neither the attribute nor the prefix that stands for it.
    this.secure = new URL(config.issuer).protocol === 'https:';
    const prefix = this.secure ? '__Host-' : '';
    this.sessionName = `${prefix}mintgate_session`;
    this.formPrefix = `${prefix}mintgate_form_`;
  }

  /** The value of the session cookie. */
  session(req: Request): string | undefined {
    return valueOf(req, this.sessionName);
  }

  /** Without an end of its own: browsers drop it when they close, and the server ends the session. */
  setSession(res: Response, value: string): void {
    this.append(res, this.sessionName, value);
  }

  clearSession(res: Response): void {
    this.append(res, this.sessionName, '', 0);
  }

  /** The value that ties a form to the browser that it was shown in, while nobody is signed in there. */
  form(req: Request, formId: string): string | undefined {
    return valueOf(req, this.formPrefix + formId);
  }

  /**
   * Each form has a cookie of its own, so that several can be open in one browser. When there are too many, the oldest
   * ones go: browsers send those first (RFC 6265bis §5.8.3).
   */
  setForm(res: Response, formId: string, value: string, maxAgeSeconds: number): void {
    const name = this.formPrefix + formId;
    const others = new Set(cookiesOf(res.req).flatMap(([other]) => (this.isOtherForm(other, name) ? [other] : [])));
    for (const other of [...others].slice(0, Math.max(0, others.size - MAX_FORMS + 1))) this.append(res, other, '', 0);
    this.append(res, name, value, maxAgeSeconds);
  }

  clearForm(res: Response, formId: string): void {
    this.append(res, this.formPrefix + formId, '', 0);
  }

  private isOtherForm(other: string, name: string): boolean {
    return other !== name && other.startsWith(this.formPrefix) && FORM_ID.test(other.slice(this.formPrefix.length));
  }

  private append(res: Response, name: string, value: string, maxAgeSeconds?: number): void {
    const attributes = ['Path=/', 'HttpOnly', 'SameSite=Lax'];
    if (this.secure) attributes.push('Secure');
    if (maxAgeSeconds !== undefined) attributes.push(`Max-Age=${maxAgeSeconds}`);
    res.append('Set-Cookie', [`${name}=${value}`, ...attributes].join('; '));
  }
}

/** Ids that this server makes: anything else that a request holds does not come back in a header. */
const FORM_ID = /^[\w-]{22}$/;

/** Two of one name are none: one of them was put there by somebody else. */
function valueOf(req: Request, name: string): string | undefined {
  const values = cookiesOf(req).flatMap(([key, value]) => (key === name ? [value] : []));
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}

function cookiesOf(req: Request): [name: string, value: string][] {
  return (req.headers.cookie ?? '').split(';').map((pair) => {
    const [name, ...value] = pair.split('=');
    return [name.trim(), value.join('=').trim()];
  });
}
