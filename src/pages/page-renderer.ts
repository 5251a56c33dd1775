import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Eta } from 'eta';
import type { Request, Response } from 'express';
import { sendText } from '../common/http/respond.js';
import { Config } from '../config/config.js';
import type { Locale } from '../config/settings.js';
import { PageAssets } from './assets/page-assets.js';
import { FORM_POST_SCRIPT, FORM_POST_SCRIPT_HASH } from './form-post-script.js';
import { Html, toMarkup } from './html.js';
import { PageContext } from './page-context.js';
import { PageHeaders } from './page-headers.js';
import { localeOf } from './page-locale.js';
import type { Views } from './views.js';

export interface PageOptions {
  /** Where a form of the page may lead besides this server: `formActionSource()` of the redirect URI. */
  formAction?: readonly string[];
  /** Over those that every page has. */
  headers?: Readonly<Record<string, string>>;
}

/** Writes HTML pages: from the templates in `views/`, in the user's language, in the colours of the theme. */
@Injectable()
export class PageRenderer {
  private readonly eta = new Eta({ views: join(__dirname, 'views'), cache: true, escapeFunction: toMarkup });
  private readonly headers: PageHeaders;
  private readonly issuerPath: string;
  private readonly defaultLocale: Locale;
  private readonly fixed: object;

  constructor({ issuer, theme, defaultLocale }: Config, assets: PageAssets) {
    this.headers = new PageHeaders(issuer.startsWith('https:'));
    this.issuerPath = new URL(issuer).pathname.replace(/\/$/, '');
    this.defaultLocale = defaultLocale;
    const link = (path: string) => this.issuerPath + path;
    const hrefOf = (asset: { name: string }) => link(`/assets/${asset.name}`);
    this.fixed = { link, brand: theme.name, stylesheet: hrefOf(assets.stylesheet), icon: hrefOf(assets.icon), logo: assets.logo && hrefOf(assets.logo), formPostScript: new Html(FORM_POST_SCRIPT) };
  }

  /**
   * Answers with a whole page. The language is that of the request: see `preferLocales()` for the wish of an authorization request.
   *
   * @param model what the view shows; all texts in it may come from strangers
   */
  render<V extends keyof Views>(req: Request, res: Response, status: number, view: V, model: Views[V], { formAction = [], headers = {} }: PageOptions = {}): void {
    const locale = localeOf(req, this.defaultLocale);
    const say = new PageContext(locale);
    const html = this.eta.render(`./${view.replaceAll('_', '-')}`, { ...this.fixed, say, text: say.text, model });
    this.headers.set(req, res, { formAction, ...(view === 'form_post' ? { scriptHash: FORM_POST_SCRIPT_HASH } : {}) });
    sendText(res, status, html, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Language': locale, ...headers });
  }
}
