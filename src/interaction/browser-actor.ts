import type { Request } from 'express';
import type { Actor } from '../audit/audit-log.js';
import { clientAddress, requestId } from '../common/http/request-context.js';
import type { User } from '../users/user.js';

/** Whoever sits at the browser of a request. @param user who is signed in there */
export const browserActor = (req: Request, user?: User): Actor => ({ ...(user ? { userId: user.userId } : {}), address: clientAddress(req), requestId: requestId(req) });
