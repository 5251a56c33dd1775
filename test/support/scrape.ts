/** What one scrape says: the value of each series, by its name and labels as they are written. */
export class Scrape {
  private constructor(
    readonly text: string,
    private readonly values: ReadonlyMap<string, number>,
  ) {}

  static async of(url: string, headers: Record<string, string> = {}, withinMs = 10_000): Promise<Scrape> {
    const res = await fetch(`${url}/metrics`, { headers, signal: AbortSignal.timeout(withinMs) });
    const text = await res.text();
    if (res.status !== 200) throw new Error(`no metrics: ${res.status} ${text}`);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Scrape(text, new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))])));
  }

  get series(): string[] {
    return [...this.values.keys()].sort();
  }

  /** 0 for a series that is not there. @param labels in the order in which they are written, such as `grant="password"` */
  value(name: string, labels = ''): number {
    return this.values.get(labels === '' ? name : `${name}{${labels}}`) ?? 0;
  }

  /** The sum over the series of a metric that hold a text. */
  sum(name: string, holding = ''): number {
    return [...this.values].filter(([series]) => series.replace(/\{.*/, '') === name && series.includes(holding)).reduce((sum, [, value]) => sum + value, 0);
  }

  /** By how much a series rose since another scrape. */
  rise(since: Scrape, name: string, labels = ''): number {
    return this.value(name, labels) - since.value(name, labels);
  }
}
