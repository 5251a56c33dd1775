import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import express, { type Request, type Response } from 'express';
import { invalidInput, pointer, Problem } from './problem.js';

const MAX_BODY_BYTES = '256kb';
const MEDIA_TYPES = ['application/json', 'application/merge-patch+json'];
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Far more than any body of ours, far less than what recursion can bear. */
const MAX_DEPTH = 32;

const parseJson = express.json({ limit: MAX_BODY_BYTES, strict: true, inflate: false, type: MEDIA_TYPES });

/** Reads a JSON object as the body of an admin request that writes; without a body there is nothing to read and nothing is set. */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const req = http.getRequest<Request>();
    if (req.method === 'GET' || req.method === 'HEAD' || !hasBody(req)) return true;
    if (!req.is(MEDIA_TYPES)) throw new Problem(415, 'The request body must be application/json.');
    await parse(req, http.getResponse<Response>());
    if (typeof req.body !== 'object' || req.body === null || Array.isArray(req.body)) throw new Problem(400, 'The request body must be a JSON object.');
    refusePrototypeKeys(req.body as object, []);
    return true;
  }
}

const hasBody = (req: Request): boolean => req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;

function parse(req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parseJson(req, res, (error?: unknown) => {
      if (!error) resolve();
      else {
        const status = (error as { status?: number }).status ?? 400;
        reject(new Problem(status, status === 413 ? 'The request body is too large.' : status === 415 ? 'The request body has an encoding that is not accepted.' : 'The request body is not valid JSON.'));
      }
    });
  });
}

/** Members that reach into a JavaScript object's prototype are refused by name: validators pass over them in silence. */
function refusePrototypeKeys(value: object, path: (string | number)[]): void {
  for (const [key, member] of Object.entries(value)) {
    if (PROTOTYPE_KEYS.has(key)) throw invalidInput([{ pointer: pointer(...path, key), detail: 'is not a known field' }]);
    if (typeof member !== 'object' || member === null) continue;
    if (path.length === MAX_DEPTH) throw new Problem(400, 'The request body is nested too deeply.');
    refusePrototypeKeys(member as object, [...path, key]);
  }
}
