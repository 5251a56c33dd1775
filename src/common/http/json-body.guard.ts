import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import express, { type Request, type Response } from 'express';
import { assertBoundedJson } from './bounded-json.js';
import { Problem } from './problem.js';

const MAX_BODY_BYTES = '256kb';
const MEDIA_TYPES = ['application/json', 'application/merge-patch+json'];
const parseJson = express.json({ limit: MAX_BODY_BYTES, strict: true, inflate: false, type: MEDIA_TYPES, verify: refuseEmptyBody });

/** Reads a JSON object as the body of an admin request that writes. `POST` and `PATCH` without a body set nothing. */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const req = http.getRequest<Request>();
    if (req.method === 'GET' || req.method === 'HEAD') return true;
    if (!hasBody(req)) {
      if (needsBody(req)) throw missingBody();
      return true;
    }
    if (!req.is(MEDIA_TYPES)) throw new Problem(415, 'The request body must be application/json.');
    await parse(req, http.getResponse<Response>());
    if (typeof req.body !== 'object' || req.body === null || Array.isArray(req.body)) {
      throw new Problem(400, 'The request body must be a JSON object.');
    }
    assertBoundedJson(req.body as object);
    return true;
  }
}

/** The body of a `PUT` is the whole new state: a proxy or script that loses it would set every field to its default. */
const needsBody = (req: IncomingMessage): boolean => req.method === 'PUT';

const missingBody = () => new Problem(400, 'The request needs a body: a JSON object.');

const hasBody = (req: Request): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;

/** A chunked body may turn out to be empty, and body-parser takes an empty body for `{}`. */
function refuseEmptyBody(req: IncomingMessage, _res: unknown, body: Buffer): void {
  if (body.length === 0 && needsBody(req)) throw missingBody();
}

function parse(req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parseJson(req, res, (error?: unknown) => {
      if (!error) resolve();
      else reject(error instanceof Problem ? error : unreadable((error as { status?: number }).status ?? 400));
    });
  });
}

function unreadable(status: number): Problem {
  if (status === 413) return new Problem(status, 'The request body is too large.');
  if (status === 415) return new Problem(status, 'The request body has an encoding that is not accepted.');
  return new Problem(status, 'The request body is not valid JSON.');
}
