import { type Labels, type LabelValues, type Sample, Series } from './series.js';

/** Counts what happened, by combinations of label values. */
export class Counter<L extends LabelValues> {
  private readonly series: Series<L>;
  private readonly counts: Float64Array;

  constructor(labels: L) {
    this.series = new Series(labels);
    this.counts = new Float64Array(this.series.size);
  }

  /** @param labels a value that was not declared is counted as `other` */
  inc(labels: Labels<L>, by = 1): void {
    this.counts[this.series.placeOf(labels)] += by;
  }

  *samples(): Iterable<Sample> {
    for (let place = 0; place < this.counts.length; place++) {
      if (this.counts[place] > 0 || this.series.startsAtZero(place)) yield { labels: this.series.labelsAt(place), value: this.counts[place] };
    }
  }
}
