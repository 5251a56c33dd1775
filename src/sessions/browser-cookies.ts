import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Config } from '../config/config.js';

/** The cookies of people's browsers. None can be read by scripts, sent along from other sites but by a link, or set by a neighbour of the host. */
@Injectable()
export class BrowserCookies {
  private readonly secure: boolean;
  private readonly path: string;

  constructor(config: Config) {
    const { protocol, pathname } = new URL(config.issuer);
    // On http, which is for loopback, browsers accept neither the attribute nor the prefixes that stand for it (RFC 6265bis §4.1.3).
    this.secure = protocol === 'https:';
    this.path = pathname.replace(/\/$/, '');
  }

  /** The value of the session cookie. */
  session(req: Request): string | undefined {
    return read(req, this.sessionName);
  }

  /** Without an end of its own: browsers drop it when they close, and the server ends the session. */
  setSession(res: Response, value: string): void {
    this.append(res, this.sessionName, value, '/');
  }

  clearSession(res: Response): void {
    this.append(res, this.sessionName, '', '/', 0);
  }

  /** What ties a form to the browser that it was shown in, while nobody is signed in there. */
  form(req: Request): string | undefined {
    return read(req, this.formName);
  }

  /** @param path below which it is sent, beneath the issuer's: each form has its own, so that several can be open in one browser */
  setForm(res: Response, path: string, value: string, maxAgeSeconds: number): void {
    this.append(res, this.formName, value, this.path + path, maxAgeSeconds);
  }

  clearForm(res: Response, path: string): void {
    this.append(res, this.formName, '', this.path + path, 0);
  }

  private get sessionName(): string {
    return this.secure ? '__Host-mintgate_session' : 'mintgate_session';
  }

  private get formName(): string {
    return this.secure ? '__Secure-mintgate_form' : 'mintgate_form';
  }

  private append(res: Response, name: string, value: string, path: string, maxAgeSeconds?: number): void {
    res.append('Set-Cookie', `${name}=${value}; Path=${path}; HttpOnly; SameSite=Lax${this.secure ? '; Secure' : ''}${maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`}`);
  }
}

/** Two of one name are none: one of them was put there by somebody else. */
function read(req: Request, name: string): string | undefined {
  const values = (req.headers.cookie ?? '').split(';').flatMap((pair) => {
    const [key, ...value] = pair.split('=');
    return key.trim() === name ? [value.join('=').trim()] : [];
  });
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}
