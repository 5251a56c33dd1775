import type { Request, Response } from 'express';
import helmet from 'helmet';

/** What a page needs beyond what all pages may do. */
export interface PageAllowances {
  /** Where its form may lead besides this server, as CSP source expressions: see {@link formActionSource}. */
  formAction?: readonly string[];
  /** The CSP hash of its one script, `'sha256-…'`. */
  scriptHash?: string;
}

const YEAR_SECONDS = 365 * 24 * 60 * 60;
const PERMISSIONS_POLICY = ['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'usb'].map((feature) => `${feature}=()`).join(', ');

/**
 * The `form-action` source for a form whose answer may be a redirect to this URI. It is the scheme alone, since Chromium holds every redirect that follows a form post
 * against it, also those by which the client's callback goes on to another host of its own, and since no source expression can name `[::1]`.
 */
export const formActionSource = (redirectUri: string): string => new URL(redirectUri).protocol;

/** Sets the security headers of a page: RFC 9700 §4.16 (no framing), §4.2.4 (no Referer), and nothing loaded from anywhere else. */
export class PageHeaders {
  private readonly fixed: ReturnType<typeof helmet>;

  /** @param https whether the issuer is https, so that browsers may be told to use nothing else (RFC 6797) */
  constructor(https: boolean) {
    this.fixed = helmet({
      contentSecurityPolicy: false,
      xFrameOptions: { action: 'deny' },
      referrerPolicy: { policy: 'no-referrer' },
      crossOriginOpenerPolicy: { policy: 'same-origin' },
      strictTransportSecurity: https && { maxAge: YEAR_SECONDS, includeSubDomains: false },
    });
  }

  set(req: Request, res: Response, { formAction = [], scriptHash }: PageAllowances): void {
    const policy = helmet.contentSecurityPolicy({
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        ...(scriptHash ? { scriptSrc: [scriptHash] } : {}),
        formAction: ["'self'", ...formAction],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    });
    for (const middleware of [this.fixed, policy]) middleware(req, res, throwIfGiven);
    res.setHeader('Permissions-Policy', PERMISSIONS_POLICY);
    res.setHeader('Cache-Control', 'no-store');
  }
}

function throwIfGiven(error?: unknown): void {
  if (error instanceof Error) throw error;
}
