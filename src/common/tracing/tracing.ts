import type { AttributeValue, Span, Tracer } from '@opentelemetry/api';

type Api = typeof import('@opentelemetry/api');

/** Both are there while there is tracing: without it not even the package is loaded. */
let api: Api | undefined;
let tracer: Tracer | undefined;

/** From now on the classes that are loaded have spans where {@link InSpan} says so. */
export function enableSpans(loaded: Api): void {
  api = loaded;
  tracer = loaded.trace.getTracer('mintgate');
}

/**
 * Every call of the method is a span of its own: what it throws decides how the span ends. A class that is loaded while tracing is off keeps the method as it is, so that
 * spans nobody wants cost nothing at all.
 */
export function InSpan(name: string): MethodDecorator {
  return (_target, _key, descriptor) => {
    const begun = tracer;
    if (!begun) return;
    const work = descriptor.value as unknown as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]): unknown {
      return begun.startActiveSpan(name, (span) => seeThrough(span, () => work.apply(this, args)));
    } as never;
  };
}

/** Says something about the span that is active, if one is. Never a secret, and of users not even the id. */
export function annotate(name: string, value: AttributeValue): void {
  api?.trace.getActiveSpan()?.setAttribute(name, value);
}

/** Of the trace that is active and leaves this process. */
export function activeTraceId(): string | undefined {
  const context = api?.trace.getActiveSpan()?.spanContext();
  return context && api?.isSpanContextValid(context) && (context.traceFlags & api.TraceFlags.SAMPLED) !== 0 ? context.traceId : undefined;
}

function seeThrough(span: Span, work: () => unknown): unknown {
  try {
    const result = work();
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    return result.then(
      (value: unknown) => {
        span.end();
        return value;
      },
      (error: unknown) => fail(span, error),
    );
  } catch (error) {
    return fail(span, error);
  }
}

/** The kind of error alone: its message is not for everybody. What the caller did wrong is no failure of the server. */
function fail(span: Span, error: unknown): never {
  const { code, name, status } = (error ?? {}) as { code?: string | number; name?: string; status?: unknown };
  span.setAttribute('error.type', String(code ?? name ?? typeof error));
  if (typeof status !== 'number' || status >= 500) span.setStatus({ code: api!.SpanStatusCode.ERROR });
  span.end();
  throw error;
}
