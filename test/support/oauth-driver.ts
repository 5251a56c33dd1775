import { connect } from 'node:net';
import { assertNoSecret, plant } from './leak-watch.js';

export interface Credentials {
  clientId: string;
  clientSecret: string;
}

export interface UserCredentials {
  username: string;
  password: string;
}

export interface RegisteredUser extends UserCredentials {
  userId: string;
}

export interface UserTokens {
  accessToken: string;
  /** `undefined` when none was issued. */
  refreshToken: string;
}

/** Good enough for every rule. */
export const PASSWORD = 'correct horse battery staple';

/** An answer, read whole. */
export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed JSON body; an empty object when there is none. */
  body: Body;
}

/** A problem points at the fields that are wrong by the names that its caller gave them. */
const withoutPointers = (text: string): string => text.replace(/"pointer":"(?:[^"\\]|\\.)*"/g, '');

export type Form = Record<string, string | string[]>;

/** Speaks to the server as its clients do: over HTTP. */
export class OAuthDriver {
  private adminToken: Promise<string> | undefined;

  constructor(
    readonly url: string,
    private readonly admin: Credentials,
  ) {}

  async request<Body = Record<string, unknown>>(method: string, path: string, init: { headers?: Record<string, string>; body?: string } = {}): Promise<Answer<Body>> {
    const res = await fetch(this.url + path, { method, redirect: 'manual', ...init });
    const text = await res.text();
    const json = /\bjson(?!l)/.test(res.headers.get('content-type') ?? '');
    if (json && res.status >= 400) assertNoSecret(`an error answer of ${path.split('?')[0]}`, withoutPointers(text));
    return { status: res.status, headers: res.headers, text, body: (json && text !== '' ? JSON.parse(text) : {}) as Body };
  }

  /** A form post, with Basic authentication when there are credentials. */
  form<Body = Record<string, unknown>>(path: string, form: Form, credentials?: Credentials, headers: Record<string, string> = {}): Promise<Answer<Body>> {
    const body = new URLSearchParams(Object.entries(form).flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, each])));
    return this.request<Body>('POST', path, {
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...(credentials ? { authorization: basic(credentials) } : {}), ...headers },
      body: body.toString(),
    });
  }

  token(credentials: Credentials | undefined, form: Form = {}): Promise<Answer> {
    return this.form('/oauth/token', { grant_type: 'client_credentials', ...form }, credentials);
  }

  /** A token that the test takes for granted. */
  async accessToken(credentials: Credentials, form: Form = {}): Promise<string> {
    const answer = await this.token(credentials, form);
    if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`);
    return answer.body['access_token'] as string;
  }

  /** The resource owner password grant, by a public client when there are no credentials to send. */
  passwordGrant(client: Credentials, { username, password }: UserCredentials, form: Form = {}): Promise<Answer> {
    plant(password);
    return this.asClient('/oauth/token', client, { grant_type: 'password', username, password, ...form });
  }

  /** Tokens of a user that the test takes for granted. */
  async signIn(client: Credentials, user: UserCredentials, form: Form = {}): Promise<UserTokens> {
    const answer = await this.passwordGrant(client, user, form);
    if (answer.status !== 200) throw new Error(`not signed in: ${answer.status} ${answer.text}`);
    return { accessToken: answer.body['access_token'] as string, refreshToken: answer.body['refresh_token'] as string };
  }

  refresh(client: Credentials, refreshToken: string, form: Form = {}): Promise<Answer> {
    return this.asClient('/oauth/token', client, { grant_type: 'refresh_token', refresh_token: refreshToken, ...form });
  }

  /** Refreshes that the test takes for granted. */
  async refreshed(client: Credentials, refreshToken: string, form: Form = {}): Promise<UserTokens> {
    const answer = await this.refresh(client, refreshToken, form);
    if (answer.status !== 200) throw new Error(`not refreshed: ${answer.status} ${answer.text}`);
    return { accessToken: answer.body['access_token'] as string, refreshToken: answer.body['refresh_token'] as string };
  }

  /** Redeems an authorization code, by a public client when there are no credentials to send. */
  redeem(client: Credentials, form: Form): Promise<Answer> {
    return this.asClient('/oauth/token', client, { grant_type: 'authorization_code', ...form });
  }

  /** By Basic, or by `client_id` alone for a client without a secret. */
  private asClient(path: string, client: Credentials, form: Form): Promise<Answer> {
    return client.clientSecret === '' ? this.form(path, { ...form, client_id: client.clientId }) : this.form(path, form, client);
  }

  introspect(credentials: Credentials | undefined, token: string, form: Form = {}): Promise<Answer> {
    return this.form('/oauth/introspect', { token, ...form }, credentials);
  }

  revoke(credentials: Credentials | undefined, token: string, form: Form = {}): Promise<Answer> {
    return this.form('/oauth/revoke', { token, ...form }, credentials);
  }

  /** A request to the admin API, below `/admin/v1`, with a token that may do everything (or the given one). */
  async adminRequest<Body = Record<string, unknown>>(method: string, path: string, body?: unknown, options: { token?: string; headers?: Record<string, string> } = {}): Promise<Answer<Body>> {
    const token = options.token ?? (await (this.adminToken ??= this.accessToken(this.admin)));
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers };
    return this.request<Body>(method, `/admin/v1${path}`, { headers, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  }

  /** Forgets the admin token, e.g. after the clock was moved past its end. */
  renewAdminToken(): void {
    this.adminToken = undefined;
  }

  /** A client that the test takes for granted. */
  async registerClient(metadata: Record<string, unknown> = {}): Promise<Credentials & { metadata: Record<string, unknown> }> {
    const answer = await this.adminRequest('POST', '/clients', metadata);
    if (answer.status !== 201) throw new Error(`no client: ${answer.status} ${answer.text}`);
    return { clientId: answer.body['client_id'] as string, clientSecret: (answer.body['client_secret'] as string | undefined) ?? '', metadata: answer.body };
  }

  /** A user that the test takes for granted, with a password that is allowed unless another one (or its hash) is given. */
  async registerUser(profile: Record<string, unknown> & { username: string }): Promise<RegisteredUser> {
    const password = typeof profile['password'] === 'string' ? profile['password'] : PASSWORD;
    const answer = await this.adminRequest('POST', '/users', 'password' in profile || 'password_hash' in profile ? profile : { ...profile, password });
    plant(password);
    if (answer.status !== 201) throw new Error(`no user: ${answer.status} ${answer.text}`);
    return { userId: answer.body['user_id'] as string, username: profile.username, password };
  }

  /** A protected resource that the test takes for granted. */
  async registerResource(metadata: Record<string, unknown>): Promise<Record<string, unknown>> {
    const answer = await this.adminRequest('POST', '/resources', metadata);
    if (answer.status !== 201) throw new Error(`no resource: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  /** Sends bytes as they are and answers all that comes back until the server closes, or falls silent after a whole answer. */
  raw(text: string | Buffer, { waitMs = 2000 } = {}): Promise<string> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      let received = '';
      const socket = connect(Number(port), hostname, () => socket.write(text));
      const done = () => {
        socket.destroy();
        resolve(received);
      };
      socket.setTimeout(waitMs, done);
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        const head = received.indexOf('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(received)?.[1];
        if (head >= 0 && length !== undefined && received.length >= head + 4 + Number(length)) done();
      });
      socket.on('end', done).on('error', (error) => (received === '' ? reject(error) : done()));
    });
  }
}

/** Basic credentials, each part form-encoded (RFC 6749 §2.3.1). */
export const basic = ({ clientId, clientSecret }: Credentials): string => `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')}`;

export const formEncode = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

export const decodeJwt = (jwt: string): { header: Record<string, unknown>; claims: Record<string, unknown> } => {
  const [header, claims] = jwt.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
  return { header: header, claims: claims };
};
