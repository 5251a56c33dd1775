// Who is in a grown database. Everything follows from a number and from the server's own key, so that whoever has the settings of the server can make the credentials of any
// of a million clients again, and no list of them is kept anywhere.
import { createHmac } from 'node:crypto';
import { digestOf, OPAQUE_PREFIX } from '../../dist/src/common/crypto/opaque-value.js';
import { columnsOf, withDefaults } from '../../dist/src/clients/client-metadata.js';
import { sealable } from '../../dist/src/tokens/sealed-family.js';
import { webOriginsOf } from '../../dist/src/common/oauth/web-origin.js';
import { profileColumns, withUserDefaults } from '../../dist/src/users/user-profile.js';

const DAY_MS = 86_400_000;
/** Every tenth client is an application in which users sign in; the first of these hold the families, and have the password grant, too. The client after each has opaque tokens. */
const APPLICATION_EVERY = 10;
const MOST_APPLICATIONS = 100;
const FAMILIES_OF_AN_APPLICATION = 20_000;
const FAMILIES_OF_A_SESSION = 3;

export const SCOPE = 'api';
/** Of every user. */
export const PASSWORD = 'correct horse battery staple';

export class Population {
  #key;
  #codec;
  #config;
  #applications;
  /** Applications and users by number, as families name them: each is named by many. */
  #named = { client: new Map(), user: new Map() };

  /**
   * @param sizes clients, users, families: how many
   * @param parts of the server: codec (of refresh tokens), box, config
   */
  constructor({ clients, users, families }, { codec, box, config }) {
    Object.assign(this, { clients, users, families });
    this.#key = box.derive('growth');
    this.#codec = codec;
    this.#config = config;
    this.#applications = Math.max(1, Math.min(MOST_APPLICATIONS, Math.floor(families / FAMILIES_OF_AN_APPLICATION), Math.floor(clients / APPLICATION_EVERY)));
  }

  #bytes(what, i) {
    return createHmac('sha256', this.#key).update(`${what} ${i}`).digest();
  }

  #id = (what, i) => this.#bytes(what, i).toString('base64url', 0, 16);
  #generation = (what, i) => this.#bytes(`generation of ${what}`, i).toString('base64url', 0, 6);

  credentials(i) {
    const bytes = this.#bytes('client', i);
    return { id: bytes.toString('hex', 0, 12), secret: OPAQUE_PREFIX.clientSecret + this.#bytes('secret', i).toString('base64url') };
  }

  isApplication = (i) => i % APPLICATION_EVERY === 0;
  hasOpaqueTokens = (i) => i % APPLICATION_EVERY === 1;

  /** The number of the client whose family it is. */
  applicationOf = (family) => (family % this.#applications) * APPLICATION_EVERY;

  /** The numbers of families, application by application, in an order that is not the table's. */
  *familiesByApplication() {
    for (let application = 0; application < this.#applications; application++) {
      const all = Array.from({ length: Math.ceil((this.families - application) / this.#applications) }, (_, i) => application + i * this.#applications);
      // Reaches each once: a prime, and no multiple of it is as long as a list.
      yield all.map((_, i) => all[(i * 7919) % all.length]);
    }
  }

  #metadata(i, id) {
    if (!this.isApplication(i)) return { client_name: `Service ${i}`, scope: SCOPE, access_token_format: this.hasOpaqueTokens(i) ? 'opaque' : 'jwt' };
    const uri = `https://${id}.example.com`;
    const grants = ['authorization_code', 'refresh_token', ...(i < this.#applications * APPLICATION_EVERY ? ['password'] : [])];
    return { client_name: `Application ${i}`, scope: SCOPE, grant_types: grants, redirect_uris: [`${uri}/callback`], post_logout_redirect_uris: [uri] };
  }

  /** @returns rows of a client: itself without its row id, its secret, the origins of its redirect URIs */
  client(i, nowMs) {
    const { id, secret } = this.credentials(i);
    const columns = columnsOf(id, withDefaults(this.#metadata(i, id), id, this.#config.accessTokenLifetimeSeconds));
    return {
      client: { clientId: id, ...columns, tokenGeneration: this.#generation('client', i), version: 1, createdAt: nowMs, updatedAt: nowMs },
      secret: { secretId: this.#bytes('secret id', i).toString('base64url', 0, 9), digest: digestOf(secret), createdAt: nowMs, expiresAt: null, lastUsedAt: null },
      origins: webOriginsOf(columns.redirectUris),
    };
  }

  #userId = (i) => `usr_${this.#id('user', i)}`;

  #nameOf(what, i) {
    let name = this.#named[what].get(i);
    if (!name) this.#named[what].set(i, (name = { id: what === 'user' ? this.#userId(i) : this.credentials(i).id, generation: this.#generation(what, i) }));
    return name;
  }

  user(i, passwordHash, nowMs) {
    const profile = withUserDefaults({ username: `user-${i}`, email: `user-${i}@example.com`, name: `User ${i}` });
    return { userId: this.#userId(i), ...profileColumns(profile), passwordHash, tokenGeneration: this.#generation('user', i), lastLoginAt: null, version: 1, createdAt: nowMs, updatedAt: nowMs };
  }

  familyId = (i) => this.#id('family', i);

  /** What is granted to a family, of which only the end depends on when the database was filled. */
  #granted(i, expiresAt) {
    const user = this.#nameOf('user', this.#bytes('user of family', i).readUInt32LE(0) % this.users);
    return { familyId: this.familyId(i), userId: user.id, userGeneration: user.generation, grantType: 'authorization_code', scope: SCOPE, audience: [this.#config.issuer], expiresAt, openid: null };
  }

  #tokenOf = (i, granted) => this.#codec.successor({ familyId: granted.familyId, content: sealable(granted) }, `family ${i}`, 'growth');

  /** The refresh token that a family begins with. @param expiresAt as its row has it */
  refreshToken = (i, expiresAt) => this.#tokenOf(i, this.#granted(i, expiresAt));

  /**
   * A family that began in the last 33 days and was last used in the last 8, both spread evenly: a tenth of them is over and may be deleted. The ends are those of the default
   * lifetimes, as `familyTimes` reckons them.
   */
  family(i, nowMs) {
    const random = this.#bytes('times', i);
    const ageMs = (random.readUInt32LE(0) / 2 ** 32) * 33 * DAY_MS;
    const issuedAt = Math.floor(nowMs - ageMs);
    const usedAt = Math.floor(nowMs - (random.readUInt32LE(4) / 2 ** 32) * Math.min(ageMs, 8 * DAY_MS));
    const sessionEndsAt = issuedAt + this.#config.sessionLifetimeSeconds * 1000;
    const expiresAt = issuedAt + 30 * DAY_MS;
    const idleExpiresAt = Math.min(usedAt + 7 * DAY_MS, expiresAt);
    const application = this.#nameOf('client', this.applicationOf(i));
    const granted = this.#granted(i, expiresAt);
    return {
      ...granted,
      clientId: application.id,
      clientGeneration: application.generation,
      currentDigest: digestOf(this.#tokenOf(i, granted)),
      previousDigest: null,
      successorSalt: null,
      retryUntil: null,
      issuedAt,
      idleExpiresAt,
      sessionId: this.#id('session', Math.floor(i / FAMILIES_OF_A_SESSION)),
      revokedAt: null,
      purgeAfter: Math.ceil(Math.max(idleExpiresAt + DAY_MS, sessionEndsAt) / DAY_MS) * DAY_MS,
    };
  }
}
