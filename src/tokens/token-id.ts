import { randomId } from '../common/crypto/random-id.js';

const RANDOM_CHARACTERS = 22;

/**
 * The `jti` of a JWT (RFC 7519 §4.1.7): 128 random bits, then the token generation of the client that it was issued to, so that whether all of a
 * client's tokens were revoked can be told from the token and the client alone: no clock is compared, and nothing is kept for each token.
 */
export const newTokenId = (tokenGeneration: string): string => randomId() + tokenGeneration;

export const generationOf = (tokenId: string): string => tokenId.slice(RANDOM_CHARACTERS);
