import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed JSON body; an empty object when there is none. */
  body: Record<string, unknown>;
}

export interface Exchange {
  answers: RawAnswer[];
  /** Whether the server ended the connection by itself. */
  closed: boolean;
}

export type RawHeaders = [name: string, value: string][];

/** The bytes of a request as they are given: no header is added but a Host, where none is named, and a Content-Length for a body without framing. */
export function rawRequest(method: string, target: string, headers: RawHeaders, body: string | Buffer = ''): Buffer {
  const has = (name: string) => headers.some(([each]) => each.toLowerCase() === name);
  const framed = has('content-length') || has('transfer-encoding');
  const all: RawHeaders = [...(has('host') ? [] : [['Host', '127.0.0.1'] as [string, string]]), ...headers, ...(framed || body.length === 0 ? [] : [['Content-Length', String(Buffer.byteLength(body))] as [string, string]])];
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`, 'latin1'), Buffer.from(body)]);
}

/** Sends bytes over one connection and collects what comes back until the server closes it, or `waitMs` have passed in silence. */
export async function exchange(url: string, bytes: Buffer, { waitMs = 1500 } = {}): Promise<Exchange> {
  const { hostname, port } = new URL(url);
  const { received, closed } = await new Promise<{ received: Buffer; closed: boolean }>((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const done = (closed: boolean) => {
      socket.destroy();
      resolve({ received, closed });
    };
    socket.setTimeout(waitMs, () => done(false));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    socket.on('end', () => done(true)).on('error', (error) => (received.length === 0 ? reject(error) : done(true)));
  });
  return { answers: parseAnswers(received), closed };
}

/** The one answer to a request after which the connection ends. */
export async function rawAnswer(url: string, method: string, target: string, headers: RawHeaders, body: string | Buffer = ''): Promise<RawAnswer> {
  const { answers } = await exchange(url, rawRequest(method, target, [...headers, ['Connection', 'close']], body));
  if (answers.length !== 1) throw new Error(`${answers.length} answers`);
  return answers[0];
}

function parseAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`not an HTTP answer: ${rest.toString('latin1').slice(0, 200)}`);
    const [start = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = new Headers(lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(start)?.[1]);
    const length = headers.get('content-length');
    const stop = length === null ? rest.length : end + 4 + Number(length);
    const text = rest.subarray(end + 4, stop).toString('utf8');
    answers.push({ status, headers, text, body: (text !== '' && /json/.test(headers.get('content-type') ?? '') ? JSON.parse(text) : {}) as Record<string, unknown> });
    rest = rest.subarray(stop);
  }
  return answers;
}
