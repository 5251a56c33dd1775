import { setTimeout as sleep } from 'node:timers/promises';
import * as api from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation, ExpressLayerType } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { MySQL2Instrumentation } from '@opentelemetry/instrumentation-mysql2';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Logger } from '../logging/logger.js';
import { ProxiedParentPropagator } from './proxied-parent.propagator.js';
import { redactedSql } from './redacted-spans.js';
import { RedactingExporter } from './redacting-exporter.js';
import { RequestSampler } from './request-sampler.js';
import { enableSpans } from './tracing.js';

export interface TracingOptions {
  /** Of the OTLP traces signal, with its path. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly sampleRatio: number;
}

/** How long a collector may take for a batch. */
const EXPORT_MS = 5_000;
/** How long the stop of the server waits for what was not sent yet. */
const FLUSH_MS = 2_000;

/**
 * Begins to trace requests, to a collector that speaks OTLP over HTTP. What is traced must not have been loaded yet: the instrumentations look at modules when they are required, and {@link InSpan}
 * at the moment when its class is made.
 * @param issuerPath that may stand in front of the paths of requests
 * @returns what ends it: sends what is left, for two seconds at most
 */
export function startTracing(options: TracingOptions, issuerPath: string, logger: Logger): () => Promise<void> {
  const exporter = new RedactingExporter(new OTLPTraceExporter({ url: options.url, headers: { ...options.headers }, timeoutMillis: EXPORT_MS }), logger);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.serviceName, 'service.instance.id': String(process.pid) }),
    sampler: new RequestSampler(options.sampleRatio),
    spanProcessors: [new BatchSpanProcessor(exporter, { exportTimeoutMillis: EXPORT_MS })],
  });
  const propagator = new ProxiedParentPropagator();
  provider.register({ propagator });
  registerInstrumentations({ instrumentations: instrumentations(propagator, issuerPath) });
  enableSpans(api);
  return () => Promise.race([provider.shutdown().catch(() => undefined), sleep(FLUSH_MS, undefined, { ref: false })]);
}

function instrumentations(propagator: ProxiedParentPropagator, issuerPath: string) {
  const probes = new Set(['/health/live', '/health/ready', '/metrics'].flatMap((path) => [path, issuerPath + path]));
  return [
    new HttpInstrumentation({
      ignoreIncomingRequestHook: (req) => {
        propagator.look(req);
        return probes.has(req.url!.split('?')[0]);
      },
    }),
    new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE, ExpressLayerType.ROUTER] }),
    // By default it would write the values of parameters into the statement.
    new MySQL2Instrumentation({ maskStatement: true, maskStatementHook: redactedSql }),
  ];
}
