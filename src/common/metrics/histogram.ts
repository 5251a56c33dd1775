import { type Labels, type LabelValues, type Sample, Series } from './series.js';

/** What was measured, by the upper bounds of buckets. */
export class Buckets {
  private readonly counts: Float64Array;
  private sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > this.bounds[at]) at++;
    this.counts[at]++;
    this.sum += value;
  }

  /** As Prometheus has it: each bucket holds the smaller ones too. */
  *samples(name: string, labels: Readonly<Record<string, string>>): Iterable<Sample> {
    let below = 0;
    for (let at = 0; at < this.counts.length; at++) {
      below += this.counts[at];
      yield { metricName: `${name}_bucket`, labels: { ...labels, le: at < this.bounds.length ? this.bounds[at] : '+Inf' }, value: below };
    }
    yield { metricName: `${name}_sum`, labels, value: this.sum };
    yield { metricName: `${name}_count`, labels, value: below };
  }
}

/** Measures how long, how large, by combinations of label values. */
export class Histogram<L extends LabelValues> {
  private readonly series: Series<L>;
  private readonly buckets: (Buckets | undefined)[];

  constructor(
    labels: L,
    private readonly bounds: readonly number[],
  ) {
    this.series = new Series(labels);
    this.buckets = Array.from({ length: this.series.size }, (_, place) => (this.series.startsAtZero(place) ? new Buckets(bounds) : undefined));
  }

  /** @param labels a value that was not declared is counted as `other` */
  observe(labels: Labels<L>, value: number): void {
    (this.buckets[this.series.placeOf(labels)] ??= new Buckets(this.bounds)).observe(value);
  }

  *samples(name: string): Iterable<Sample> {
    for (const [place, buckets] of this.buckets.entries()) if (buckets) yield* buckets.samples(name, this.series.labelsAt(place));
  }
}
