import type { Request } from 'express';
import { LOCALES, type Locale } from '../config/settings.js';

const preferences = new WeakMap<object, string>();

/**
 * Keeps the languages that an authorization request asked for in mind, for whatever page answers this HTTP request, an error page too.
 * @param uiLocales BCP 47 tags, separated by spaces, the most wanted first (OIDC Core §3.1.2.1)
 */
export function preferLocales(req: Request, uiLocales: string | undefined): void {
  if (uiLocales !== undefined) preferences.set(req, uiLocales);
}

/** The language of the page: by `ui_locales`, else by `Accept-Language` (RFC 9110 §12.5.4), else the one by default. A tag such as `de-AT` is met by `de`. */
export function localeOf(req: Request, fallback: Locale): Locale {
  const inQuery = req.query['ui_locales'];
  const wanted = (preferences.get(req) ?? (typeof inQuery === 'string' ? inQuery : '')).toLowerCase().split(' ').map((tag) => tag.split('-')[0]);
  const byRequest = wanted.find((language): language is Locale => (LOCALES as readonly string[]).includes(language));
  if (byRequest) return byRequest;
  const accepted = req.acceptsLanguages(fallback, ...LOCALES);
  return accepted === false ? fallback : (accepted as Locale);
}
