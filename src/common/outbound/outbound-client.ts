import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { OutboundError } from './outbound-error.js';
import { addressOf, isAllowedHost } from './outbound-uri.js';
import { isPublicAddress } from './public-address.js';

/** For all of it: name, connection, TLS, request and answer. */
const EXCHANGE_MS = 3_000;
const MAX_BODY_BYTES = 64 * 1024;

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface OutboundAnswer {
  readonly status: number;
  /** `undefined` when it is longer than 64 KiB: cut off, it would say something else. */
  readonly body: string | undefined;
}

const resolveBySystem: Resolve = async (hostname) => (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Sends requests to URLs that clients registered, which may be hostile: by https to port 443 of public addresses only, so that nobody reaches into this server's own network
 * through it. The name is resolved once, every address of it must be public, and the connection goes to one of those: a name that moves in between gains nothing. No
 * redirect is followed and no proxy asked, which would resolve a name anew.
 */
export class OutboundClient {
  /** @param allowedHosts to which none of this applies but the limits; see {@link isAllowedHost} */
  constructor(
    private readonly allowedHosts: readonly string[],
    private readonly resolve: Resolve = resolveBySystem,
  ) {}

  /** @throws {OutboundError} */
  get(url: string, accept: string): Promise<OutboundAnswer> {
    return this.withinTime(url, { method: 'GET', headers: { accept } });
  }

  /** @throws {OutboundError} */
  postForm(url: string, form: Readonly<Record<string, string>>): Promise<OutboundAnswer> {
    return this.withinTime(url, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(form).toString() });
  }

  private async withinTime(text: string, request: Outgoing): Promise<OutboundAnswer> {
    const url = this.permitted(text);
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), EXCHANGE_MS);
    const late = once(deadline.signal, 'abort').then(() => {
      throw new OutboundError('timed_out');
    });
    try {
      // The system's resolver cannot be called off, only left behind.
      return await Promise.race([this.exchange(url, request, deadline.signal), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private permitted(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const web = url?.protocol === 'https:' || url?.protocol === 'http:';
    if (!url || !web || url.username || url.password) throw new OutboundError('url_not_allowed');
    if (!isAllowedHost(url, this.allowedHosts) && (url.protocol !== 'https:' || url.port !== '')) throw new OutboundError('url_not_allowed');
    return url;
  }

  private async exchange(url: URL, request: Outgoing, signal: AbortSignal): Promise<OutboundAnswer> {
    const addresses = await this.addressesOf(url);
    try {
      return await answerTo(url, addresses, request, signal);
    } catch (error) {
      throw new OutboundError(signal.aborted ? 'timed_out' : 'connection_failed', { cause: error });
    }
  }

  private async addressesOf(url: URL): Promise<readonly string[]> {
    const literal = addressOf(url);
    const addresses = literal === undefined ? await this.resolve(url.hostname).catch(() => []) : [literal];
    if (addresses.length === 0) throw new OutboundError('name_not_resolved');
    if (!isAllowedHost(url, this.allowedHosts) && !addresses.every(isPublicAddress)) throw new OutboundError('address_not_allowed');
    return addresses;
  }
}

interface Outgoing {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

function answerTo(url: URL, addresses: readonly string[], { method, headers, body }: Outgoing, signal: AbortSignal): Promise<OutboundAnswer> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  // Without an agent there is no connection that was made for something else, and no proxy of the environment.
  const options = { method, headers: { 'user-agent': 'Mintgate', ...headers }, agent: false as const, lookup: pinnedTo(addresses), signal, rejectUnauthorized: true };
  return new Promise((resolve, reject) => {
    const request = send(url, options, (response) => {
      bodyOf(response).then((text) => resolve({ status: response.statusCode ?? 0, body: text }), reject);
    });
    request.on('error', reject).end(body);
  });
}

/** Answers with addresses that were checked already, whatever the name says by now. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all }, callback) => {
    const [first] = known;
    if (all) callback(null, known);
    else callback(null, first.address, first.family);
  };
}

async function bodyOf(response: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop destroys the connection.
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
