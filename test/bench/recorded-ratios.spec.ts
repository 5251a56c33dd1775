import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROJECT = join(__dirname, '..', '..');
const MACHINE = { cpu: 'AMD EPYC', cores: 2, memoryMiB: 8192, kernel: '6.1', node: 'v20.20.2', nodes: ['20.20.2'], commit: 'abc', load: '0.10' };

interface Measured { scenario?: string; mintgate: number[]; bareHttp: number[]; errors?: number; schema?: number; node?: string; cpu?: string }

function contestant(name: string, rounds: number[], node: string, errors: number) {
  const sorted = rounds.toSorted((a, b) => a - b);
  const figures = { perCpuSecond: sorted[sorted.length >> 1], min: sorted[0], max: sorted.at(-1), perSecond: 1, p50Ms: 1, p99Ms: 1, p999Ms: 1, busy: 1, others: 0, stolen: 0, answers: 1 };
  return { label: name, name, node, ...figures, errors, rounds, ratio: {} };
}

/** A line as `npm run bench -- --json FILE` appends it. */
function resultLine({ scenario = 'cc', mintgate, bareHttp, errors = 0, schema = 2, node = '20.20.2', cpu = MACHINE.cpu }: Measured): string {
  const results = [contestant('mintgate', mintgate, node, errors), contestant('bare-http', bareHttp, node, 0)];
  const options = { rounds: mintgate.length, seconds: 6, warmup: 12, connections: 16, tokens: 200_000, database: 'sqlite' };
  return `${JSON.stringify({ schema, at: '2026-11-28T08:00:00.000Z', scenario, title: 'a title', machine: { ...MACHINE, cpu }, options, results })}\n`;
}

describe('npm run bench:check', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'mintgate-bench-check-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const recordedFile = () => join(folder, 'recorded.json');

  function check(measured: Measured[], ...more: string[]) {
    const file = join(folder, 'results.jsonl');
    writeFileSync(file, measured.map(resultLine).join(''));
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(PROJECT, 'bench', 'check.mjs'), '--from', file, '--recorded', recordedFile(), ...more], { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  const record = (...measured: Measured[]) => check(measured, '--record');

  /** Each round a little beside the last, as rounds are. */
  const around = (value: number) => [0.99, 1.01, 1, 0.995, 1.005].map((part) => Math.round(value * part));
  const bareHttp = [8000, 8000, 8000, 8000, 8000];

  it('says that a ratio has not moved when it is what was recorded', () => {
    expect(record({ mintgate: around(5600), bareHttp }).status).toBe(0);
    const { status, output } = check([{ mintgate: around(5600), bareHttp }]);
    expect(status).toBe(0);
    expect(output).toMatch(/cc, bare-http, Node 20: 0\.7, recorded 0\.7: \+0\.0 %, noise 5\.0 %: not moved/);
  });

  it('fails with 1 and says by how much when a ratio has moved down beyond its noise', () => {
    record({ mintgate: around(5600), bareHttp });
    const { status, output } = check([{ mintgate: around(5000), bareHttp }]);
    expect(status).toBe(1);
    expect(output).toMatch(/cc, bare-http, Node 20: 0\.625, recorded 0\.7: -10\.7 %, noise 5\.0 %: DOWN/);
  });

  it('does not fail when a ratio has moved up, and says so', () => {
    record({ mintgate: around(5000), bareHttp });
    const { status, output } = check([{ mintgate: around(5600), bareHttp }]);
    expect(status).toBe(0);
    expect(output).toMatch(/\+12\.0 %, noise 5\.0 %: UP/);
  });

  it('takes the same change for noise when the rounds lie further apart than that', () => {
    record({ mintgate: [5600, 4700, 6300, 5000, 6100], bareHttp });
    const { status, output } = check([{ mintgate: [5000, 5900, 4400, 5600, 4800], bareHttp }]);
    expect(status).toBe(0);
    expect(output).toMatch(/-10\.7 %, noise \d\d\.\d %: not moved/);
  });

  it('compares within a round, so that a machine that is slower for a while moves nothing', () => {
    record({ mintgate: around(5600), bareHttp });
    const slow = [1, 0.6, 0.8, 0.5, 0.9];
    const slowed = (values: number[]) => values.map((value, i) => Math.round(value * slow[i]));
    const { status, output } = check([{ mintgate: slowed(around(5600)), bareHttp: slowed(bareHttp) }]);
    expect(status).toBe(0);
    expect(output).toMatch(/not moved/);
  });

  it('fails with 1 when one of several scenarios has moved down, whatever the others did', () => {
    const introspect = { scenario: 'introspect', mintgate: around(7000), bareHttp };
    record({ mintgate: around(5600), bareHttp }, introspect);
    const { status, output } = check([{ mintgate: around(6500), bareHttp }, { ...introspect, mintgate: around(6000) }]);
    expect(status).toBe(1);
    expect(output).toMatch(/cc, .*: UP\nintrospect, .*: DOWN/);
  });

  it.each<[string, Measured, RegExp]>([
    ['of another scenario', { scenario: 'cc-rs256', mintgate: around(5600), bareHttp }, /cc-rs256, bare-http, Node 20: 0\.7; unknown, not recorded/],
    ['on another major version of Node.js', { mintgate: around(5600), bareHttp, node: '24.21.0' }, /cc, bare-http, Node 24: 0\.7; unknown, not recorded/],
    ['of two rounds', { mintgate: [5600, 5600], bareHttp }, /unknown, fewer than 3 rounds/],
    ['with wrong answers', { mintgate: around(5600), bareHttp, errors: 4 }, /unknown, 4 errors/],
  ])('fails with 2 for a result %s, of which nothing can be said', (_what, measured, expected) => {
    record({ mintgate: around(5600), bareHttp });
    const { status, output } = check([measured]);
    expect(output).toMatch(expected);
    expect(status).toBe(2);
  });

  it('fails with 2 for results of another schema, and for no record', () => {
    expect(check([{ mintgate: around(5600), bareHttp }]).status).toBe(2);
    record({ mintgate: around(5600), bareHttp });
    const { status, output } = check([{ mintgate: around(5600), bareHttp, schema: 1 }]);
    expect(status).toBe(2);
    expect(output).toMatch(/results\.jsonl is of schema 1, not 2/);
  });

  it('records nothing from a run with wrong answers', () => {
    const { status, output } = record({ mintgate: around(5600), bareHttp, errors: 1 });
    expect(status).toBe(2);
    expect(output).toMatch(/cc had errors: nothing is recorded/);
  });

  it('records anew what was measured anew, and keeps the rest', () => {
    record({ mintgate: around(5600), bareHttp }, { scenario: 'introspect', mintgate: around(7000), bareHttp });
    record({ mintgate: around(6000), bareHttp });
    const { ratios } = JSON.parse(readFileSync(recordedFile(), 'utf8')) as { ratios: Record<string, { ratio: number }> };
    expect(Object.entries(ratios).map(([key, { ratio }]) => [key, ratio])).toEqual([['cc, bare-http, Node 20', 0.75], ['introspect, bare-http, Node 20', 0.875]]);
  });

  it('notes that the record is from another kind of CPU', () => {
    record({ mintgate: around(5600), bareHttp });
    expect(check([{ mintgate: around(5600), bareHttp, cpu: 'Neoverse' }]).output).toMatch(/note: recorded on another kind of CPU/);
  });
});

describe('the page of figures', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'mintgate-bench-page-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('states the machine, each contestant, which goals were missed, and what to doubt; the chart has a bar for each', () => {
    const file = join(folder, 'results.jsonl');
    const line = JSON.parse(resultLine({ mintgate: [4000, 4000, 6000], bareHttp: [8000, 8000, 8000] })) as { results: { ratio: object }[] };
    line.results[0].ratio = { 'bare-http': { median: 0.5, min: 0.5, max: 0.75 } };
    writeFileSync(file, `${JSON.stringify(line)}\n`);
    const { status } = spawnSync(process.execPath, [join(PROJECT, 'bench', 'write-performance.mjs'), file, '--folder', folder], { encoding: 'utf8' });
    expect(status).toBe(0);
    const page = readFileSync(join(folder, 'performance.md'), 'utf8');
    expect(page).toContain('- 2026-11-28, AMD EPYC, 2 CPUs, 8192 MiB, Linux 6.1, Node.js 20.20.2, revision abc');
    expect(page).toContain('| `cc` | 20.20.2 | × bare `node:http` | ≥ 0.70 | 0.50 | **no** |');
    expect(page).toMatch(/\| mintgate \| 4000 \| 4000 \| 6000 \|/);
    expect(page).toContain("mintgate's rounds differ by more than 15 %");
    expect(readFileSync(join(folder, 'performance.svg'), 'utf8').match(/<rect class="(own|bar)"/g)).toHaveLength(2);
  });
});
