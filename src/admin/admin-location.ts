import type { Config } from '../config/config.js';

/** Where something of the admin API is, for a `Location`: under the issuer, or, when another listener has the admin API, on whichever was asked (RFC 9110 §10.2.2). */
export const adminLocation = ({ issuer, management }: Config, path: string): string => `${management ? '' : issuer}/admin/v1/${path}`;
