import { isUtf8 } from 'node:buffer';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { requestOf } from './http-context.js';
import { type FormParams, parseForm } from '../oauth/form-params.js';
import { invalidRequest } from '../oauth/oauth-error.js';

/** Enough for a signed assertion of a few kilobytes; far below what could hurt. */
const MAX_BODY_BYTES = 32 * 1024;

export interface FormRequest extends Request {
  body: FormParams;
}

/**
 * Reads the form body of an OAuth endpoint into {@link FormParams} (RFC 6749 §3.2: `application/x-www-form-urlencoded` and nothing else).
 * A guard and not middleware, so that it stands or falls with the route itself and not with how a path is written.
 */
@Injectable()
export class FormBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): Promise<boolean> {
    const req = requestOf(context);
    return readForm(req, (text) => {
      req.body = parseForm(text);
      return true;
    });
  }
}

/**
 * The body of a form post, by a parser that is given it whole and undecoded.
 * @throws {OAuthError} `invalid_request`: another type (400), compressed (415), more than 32 KiB (413), not UTF-8; and whatever `parse` throws
 */
export function readForm<T>(req: Request, parse: (text: string) => T): Promise<T> {
  return readBody(req).then(parse);
}

function readBody(req: Request): Promise<string> {
  return new Promise((resolve, reject) => {
    assertForm(req);
    if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge(req);
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) reject(tooLarge(req));
      else chunks.push(chunk);
    });
    req.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
      if (isUtf8(body)) resolve(body.toString('utf8'));
      else reject(invalidRequest('The request body is not UTF-8.'));
    });
    req.on('error', () => reject(invalidRequest('The request was broken off.')));
  });
}

function assertForm(req: Request): void {
  const type = req.headers['content-type'];
  if (type !== 'application/x-www-form-urlencoded' && !isUtf8Form(type)) {
    throw invalidRequest('The request body must be application/x-www-form-urlencoded in UTF-8.');
  }
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw invalidRequest('Compressed request bodies are not accepted.', 415);
}

function isUtf8Form(type: string | undefined): boolean {
  return type !== undefined && /^application\/x-www-form-urlencoded\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?;?$/i.test(type);
}

/** What else arrives is read and dropped: cutting the connection would lose the answer as well. The request timeout bounds it. */
function tooLarge(req: Request) {
  req.removeAllListeners('data').resume();
  return invalidRequest('The request body is too large.', 413);
}
