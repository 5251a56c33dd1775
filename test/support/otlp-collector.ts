import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { eventually } from './eventually.js';

export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** `''` for none. */
  parentSpanId: string;
  name: string;
  kind: 'INTERNAL' | 'SERVER' | 'CLIENT';
  attributes: Record<string, string | number | boolean>;
  events: number;
  status: { code: number; message: string };
}

/** A collector of traces that takes OTLP over HTTP (protobuf) and keeps everything. */
export class OtlpCollector {
  readonly spans: CollectedSpan[] = [];
  readonly resource: CollectedSpan['attributes'] = {};
  /** Of each request, as it came. */
  readonly requests: { path: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<OtlpCollector> {
    const server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        collector.take(req.url!, req.headers, Buffer.concat(chunks));
        res.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const collector = new OtlpCollector(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return collector;
  }

  /** The spans of the trace in which one has this name, as soon as all of them are there: the server's own span comes last. */
  trace(name: string): Promise<CollectedSpan[]> {
    return eventually(
      () => {
        const { traceId } = this.spans.find((span) => span.name === name) ?? {};
        const spans = this.spans.filter((span) => span.traceId === traceId);
        if (!spans.some(({ kind }) => kind === 'SERVER')) throw new Error(`no whole trace with ${name} among ${this.spans.map((span) => span.name).join(', ')}`);
        return spans;
      },
      { withinMs: 15_000, everyMs: 50 },
    );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private take(path: string, headers: IncomingHttpHeaders, sent: Buffer): void {
    const body = headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    this.requests.push({ path, headers, body });
    for (const resourceSpans of messages(body, 1)) {
      for (const resource of messages(resourceSpans, 1)) Object.assign(this.resource, attributesOf(messages(resource, 1)));
      for (const scope of messages(resourceSpans, 2)) this.spans.push(...messages(scope, 2).map(spanOf));
    }
  }
}

/** opentelemetry-proto's trace.v1.Span. */
function spanOf(span: Buffer): CollectedSpan {
  const [status = Buffer.alloc(0)] = messages(span, 15);
  const hex = (field: number) => messages(span, field)[0]?.toString('hex') ?? '';
  return {
    traceId: hex(1),
    spanId: hex(2),
    parentSpanId: hex(4),
    name: messages(span, 5)[0].toString(),
    kind: (['INTERNAL', 'SERVER', 'CLIENT'] as const)[numberOf(span, 6) - 1],
    attributes: attributesOf(messages(span, 9)),
    events: messages(span, 11).length,
    status: { code: numberOf(status, 3), message: messages(status, 2)[0]?.toString() ?? '' },
  };
}

/** Of KeyValue messages, of which ours hold texts, booleans and whole numbers. */
function attributesOf(pairs: readonly Buffer[]): CollectedSpan['attributes'] {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [value = Buffer.alloc(0)] = messages(pair, 2);
      const [field = { number: 1, value: '' }] = fieldsOf(value);
      return [messages(pair, 1)[0].toString(), field.number === 2 ? field.value === 1 : typeof field.value === 'number' ? field.value : field.value.toString()];
    }),
  );
}

const messages = (message: Buffer, number: number): Buffer[] => fieldsOf(message).flatMap((field) => (field.number === number && field.value instanceof Buffer ? [field.value] : []));
const numberOf = (message: Buffer, number: number): number => Number(fieldsOf(message).find((field) => field.number === number)?.value ?? 0);

/** The fields of a protobuf message as they stand on the wire. */
function fieldsOf(message: Buffer): { number: number; value: number | Buffer }[] {
  const fields: { number: number; value: number | Buffer }[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const bytes = (length: number) => message.subarray(at, (at += length));
  while (at < message.length) {
    const tag = varint();
    const type = tag & 7;
    const value = type === 0 ? varint() : type === 1 ? bytes(8) : type === 5 ? bytes(4) : bytes(varint());
    fields.push({ number: tag >>> 3, value });
  }
  return fields;
}
