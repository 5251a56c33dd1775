import { connect } from 'node:net';

export interface Credentials {
  clientId: string;
  clientSecret: string;
}

/** An answer, read whole. */
export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed JSON body; an empty object when there is none. */
  body: Body;
}

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
    return { status: res.status, headers: res.headers, text, body: (/json/.test(res.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : {}) as Body };
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
