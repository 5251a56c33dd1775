/** The values that each label may have. Beyond these every label knows `other`. */
export type LabelValues = Readonly<Record<string, readonly string[]>>;

export type Labels<L extends LabelValues> = Readonly<Record<keyof L & string, string>>;

/** One line of an exposition; `metricName` where it differs from the metric's own, as with the buckets of a histogram. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

const OTHER = 'other';

/** Gives every combination of label values a place in an array. */
export class Series<L extends LabelValues> {
  readonly size: number;
  private readonly names: readonly (keyof L & string)[];
  private readonly values: readonly (readonly string[])[];
  private readonly places: readonly ReadonlyMap<string, number>[];
  private readonly zeros: readonly boolean[];

  constructor(labels: L) {
    this.names = Object.keys(labels);
    this.values = this.names.map((name) => [OTHER, ...labels[name].filter((value) => value !== OTHER)]);
    this.places = this.values.map((values) => new Map(values.map((value, place) => [value, place])));
    this.zeros = this.names.length === 1 ? this.values[0].map((value) => labels[this.names[0]].includes(value)) : [this.names.length === 0];
    this.size = this.values.reduce((size, values) => size * values.length, 1);
  }

  placeOf(labels: Labels<L>): number {
    let place = 0;
    for (let i = 0; i < this.names.length; i++) place = place * this.values[i].length + (this.places[i].get(labels[this.names[i]]) ?? 0);
    return place;
  }

  labelsAt(place: number): Record<string, string> {
    const labels: [string, string][] = [];
    for (let i = this.names.length - 1, rest = place; i >= 0; rest = Math.floor(rest / this.values[i].length), i--) labels.unshift([this.names[i], this.values[i][rest % this.values[i].length]]);
    return Object.fromEntries(labels);
  }

  /** Whether a combination is exposed before it was ever counted, so that its first count is seen as a rise: without labels, and each declared value of a single one. */
  startsAtZero(place: number): boolean {
    return this.zeros[place] === true;
  }
}
