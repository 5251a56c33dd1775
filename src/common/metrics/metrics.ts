import { Injectable } from '@nestjs/common';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { Counter } from './counter.js';
import { Histogram } from './histogram.js';
import type { LabelValues, Sample } from './series.js';

/** A metric as its page in the reference describes it. */
export interface MetricSpec<L extends LabelValues = LabelValues> {
  /** In snake case, in base units, `_total` at the end of a counter's; without the prefix, see {@link fullName}. */
  readonly name: string;
  readonly help: string;
  /** Every value that a label may have; for one whose values are read from the code at run time, a word on what they are. */
  readonly labels?: L;
}

/** Labels of a metric that is read: their values come from the program, never from a request. */
type ReadLabels = Readonly<Record<string, readonly string[] | string>>;

interface ReadSpec extends Omit<MetricSpec, 'labels'> {
  readonly labels?: ReadLabels;
}

interface GaugeSpec extends ReadSpec {
  /** What one scrape of several workers answers with. */
  readonly across: 'sum' | 'max' | 'min';
}

/** What a reader answers with: one number, samples with labels, or nothing now. */
export type Reading = number | undefined | Iterable<Sample>;

export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: ReadLabels;
}

/** All metrics of a process with their values at one moment, in a form that can be sent to another process. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

/**
 * The metrics of one server. Whoever knows something counts it here, or says how it is read when somebody scrapes. What a request costs is an addition in an array: it is
 * written out at the scrape.
 *
 * The number of series is bounded by construction: a label has the values that it was declared with, and whatever else a caller brings is counted as `other`.
 */
@Injectable()
export class Metrics {
  readonly definitions: MetricDefinition[] = [];
  private readonly readers: (() => object)[] = [];

  counter<const L extends LabelValues = Record<never, never>>(spec: MetricSpec<L>): Counter<L> {
    const counter = new Counter<L>(spec.labels ?? ({} as L));
    this.expose(spec, 'counter', 'sum', () => counter.samples());
    return counter;
  }

  /** @param buckets upper bounds, ascending, in the unit of the metric */
  histogram<const L extends LabelValues = Record<never, never>>(spec: MetricSpec<L>, buckets: readonly number[]): Histogram<L> {
    const histogram = new Histogram<L>(spec.labels ?? ({} as L), buckets);
    this.readHistogram(spec, () => histogram.samples(fullName(spec.name)));
    return histogram;
  }

  /** A gauge that is read at each scrape. @param read is quick, asks no database and does not throw */
  readGauge(spec: GaugeSpec, read: () => Reading): void {
    this.expose(spec, 'gauge', spec.across, () => samplesOf(read()));
  }

  /** A counter that somebody keeps already. @param read as of {@link readGauge} */
  readCounter(spec: ReadSpec, read: () => Reading): void {
    this.expose(spec, 'counter', 'sum', () => samplesOf(read()));
  }

  /** A histogram that somebody keeps already. @param read answers the samples of its buckets, sums and counts */
  readHistogram(spec: ReadSpec, read: () => Iterable<Sample>): void {
    this.expose(spec, 'histogram', 'sum', read);
  }

  snapshot(): MetricsSnapshot {
    return this.readers.map((read) => read()) as MetricsSnapshot;
  }

  private expose(spec: ReadSpec, type: MetricDefinition['type'], aggregator: GaugeSpec['across'], read: () => Iterable<Sample>): void {
    const name = fullName(spec.name);
    const { help, labels = {} } = spec;
    if (this.definitions.some((definition) => definition.name === name)) throw new Error(`there are two metrics ${name}`);
    this.definitions.push({ name, type, help, labels });
    this.readers.push(() => ({ name, help, type, aggregator, values: [...read()] }));
  }
}

/** What every Prometheus client tells of its process has the same name in all of them. */
const fullName = (name: string): string => (name.startsWith('process_') ? name : `mintgate_${name}`);

function samplesOf(reading: Reading): Iterable<Sample> {
  if (reading === undefined) return [];
  return typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading;
}
