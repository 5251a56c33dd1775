import type { Request } from 'express';
import type { Actor } from '../audit/audit-log.js';
import { clientAddress, requestId } from '../common/http/request-context.js';

/** Whoever sits at the browser of a request. */
export const browserActor = (req: Request): Actor => ({ address: clientAddress(req), requestId: requestId(req) });
