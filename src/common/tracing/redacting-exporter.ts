import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { Logger } from '../logging/logger.js';
import { redacted } from './redacted-spans.js';

type Done = Parameters<SpanExporter['export']>[1];

/** Lets nothing out but {@link redacted} spans, and says once when the collector is lost and once when it is back: spans are dropped meanwhile, requests are not concerned. */
export class RedactingExporter implements SpanExporter {
  private failing = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly logger: Logger,
  ) {}

  export(spans: ReadableSpan[], done: Done): void {
    this.exporter.export(spans.map(redacted), (result) => {
      // ExportResultCode.SUCCESS, of a package that we would need for this alone.
      this.note(result.code !== 0, result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private note(failed: boolean, error: Error | undefined): void {
    if (failed && !this.failing) this.logger.warn('traces cannot be sent to the collector, and are dropped', { reason: reasonOf(error) });
    if (!failed && this.failing) this.logger.info('traces are sent to the collector again');
    this.failing = failed;
  }
}

/** A status or an error code: what a collector answers with is its own affair. */
function reasonOf(error: Error | undefined): string {
  const { code } = (error ?? {}) as { code?: string | number };
  return String(code ?? error?.name ?? 'unknown');
}
