import type { IncomingMessage } from 'node:http';
import { type Context, isSpanContextValid, type TextMapPropagator, trace } from '@opentelemetry/api';
import type { Express } from 'express';

/**
 * Takes a request's `traceparent` (W3C Trace Context §3.2) for true only where it came through a proxy that `TRUST_PROXY` names: it decides whether a trace is recorded, and what
 * everybody may say, everybody could have us record. Nothing is sent along with our own requests: they go to the clients' servers and not to ours.
 */
export class ProxiedParentPropagator implements TextMapPropagator<IncomingMessage['headers']> {
  private readonly vouchedFor = new WeakSet<IncomingMessage['headers']>();

  /** Sees each request before its headers are read. */
  look(req: IncomingMessage): void {
    if (req.headers['traceparent'] === undefined) return;
    const trusts = (req as IncomingMessage & { app: Express }).app.get('trust proxy fn') as (address: string | undefined, hop: number) => boolean;
    if (trusts(req.socket.remoteAddress, 0)) this.vouchedFor.add(req.headers);
  }

  extract(context: Context, headers: IncomingMessage['headers']): Context {
    if (!this.vouchedFor.has(headers)) return context;
    // Another version may say more after what this one says (§3.2.4).
    const [, traceId = '', spanId = '', flags = ''] = /^(?:00(?!.{54})|(?!ff|00)[\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?=$|-)/.exec(String(headers['traceparent'])) ?? [];
    const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    return isSpanContextValid(parent) ? trace.setSpanContext(context, parent) : context;
  }

  inject(): void {}

  fields(): string[] {
    return [];
  }
}
