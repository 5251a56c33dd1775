import { randomId } from '../common/crypto/random-id.js';

const RANDOM_CHARACTERS = 22;
const GENERATION_CHARACTERS = 8;

/** What an access token hangs on: when one of these changes or is revoked, the token is dead. */
export interface TokenTies {
  /** The client's token generation when it was issued. */
  readonly clientGeneration: string;
  /** The user's as the client may see it ({@link Subjects.generationOf}), when it speaks of one. */
  readonly userGeneration?: string;
  /** The lineage of refresh tokens that it came with, if any. */
  readonly familyId?: string;
}

/**
 * The `jti` of a JWT (RFC 7519 §4.1.7): 128 random bits, then its ties, so that whether all of a client's, a user's or a family's tokens were revoked can be
 * told from the token and what is in memory alone: no clock is compared, and nothing is kept for each token.
 */
export const newTokenId = ({ clientGeneration, userGeneration = '', familyId = '' }: TokenTies): string => randomId() + clientGeneration + userGeneration + familyId;

export function tiesOf(tokenId: string): TokenTies {
  const userAt = RANDOM_CHARACTERS + GENERATION_CHARACTERS;
  const familyAt = userAt + GENERATION_CHARACTERS;
  return {
    clientGeneration: tokenId.slice(RANDOM_CHARACTERS, userAt),
    ...(tokenId.length > userAt ? { userGeneration: tokenId.slice(userAt, familyAt) } : {}),
    ...(tokenId.length > familyAt ? { familyId: tokenId.slice(familyAt) } : {}),
  };
}
