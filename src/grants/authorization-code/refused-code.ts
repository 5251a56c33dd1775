import { invalidGrant, type OAuthError } from '../../common/oauth/oauth-error.js';

/** Every refusal of a code looks the same to its client. @param detail for the log */
export const refusedCode = (detail: string): OAuthError => invalidGrant('The authorization code is not valid.', detail);
