import { type Context, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { type Sampler, SamplingDecision, type SamplingResult, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-node';

const RECORDED: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED };
const NOT_RECORDED: SamplingResult = { decision: SamplingDecision.NOT_RECORD };

/**
 * Traces are of requests: what the server does by itself, such as the look at the change feed four times a second, begins none, and what a request only set going does not
 * prolong its trace. A parent decides for its children.
 */
export class RequestSampler implements Sampler {
  private readonly byRatio: TraceIdRatioBasedSampler;

  /** @param ratio of the traces that begin here, 0 to 1 */
  constructor(ratio: number) {
    this.byRatio = new TraceIdRatioBasedSampler(ratio);
  }

  shouldSample(context: Context, traceId: string, _name: string, kind: SpanKind): SamplingResult {
    const parent = trace.getSpan(context);
    if (!parent) return kind === SpanKind.SERVER ? this.byRatio.shouldSample(context, traceId) : NOT_RECORDED;
    const { isRemote, traceFlags } = parent.spanContext();
    return (traceFlags & TraceFlags.SAMPLED) !== 0 && (isRemote || parent.isRecording()) ? RECORDED : NOT_RECORDED;
  }

  toString(): string {
    return `RequestSampler{${this.byRatio.toString()}}`;
  }
}
