import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { Metrics } from '../../src/common/metrics/metrics.js';
import { promtoolPath } from '../support/promtool-path.js';
import { TestServer } from '../support/test-server.js';

const ROOT = resolve(__dirname, '../..');
const FOLDER = join(ROOT, 'deploy/prometheus');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

interface Panel {
  type: string;
  title: string;
  description?: string;
  targets?: { expr: string }[];
}

const RULES = (parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);
const PANELS = (JSON.parse(read('deploy/grafana/mintgate.json')) as { panels: Panel[] }).panels;
const EXPRESSIONS = [...RULES.map(({ alert, expr }) => [alert, expr]), ...PANELS.flatMap(({ title, targets }) => (targets ?? []).map(({ expr }) => [title, expr]))] as [string, string][];

/** The metrics in an expression, without what a histogram or Prometheus itself adds. */
const metricsIn = (expr: string): string[] => [...new Set(expr.match(/\b(?:mintgate|process)_[a-z_]+(?=[{[ )]|$)/g))].map((name) => name.replace(/_(bucket|sum|count)$/, ''));

// The global setup says so where it is missing, or fails on CI.
if (promtoolPath()) describe('promtool accepts', () => {
  const promtool = (...args: string[]) => promisify(execFile)(promtoolPath()!, args, { cwd: FOLDER, timeout: 60_000 });

  it.each([
    ['the alert rules', ['check', 'rules', 'alerts.yaml']],
    ['the scrape configuration', ['check', 'config', 'prometheus.yaml']],
    ['that each alert fires on what it is for and none on an ordinary day', ['test', 'rules', 'alerts.test.yaml']],
  ])('%s', async (_, args) => {
    expect((await promtool(...args)).stdout).toContain('SUCCESS');
  });

  it('what a server exposes', async () => {
    const server = await TestServer.start();
    try {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      const checking = promtool('check', 'metrics');
      checking.child.stdin!.end(text);
      expect(await checking).toEqual({ stdout: '', stderr: '' });
    } finally {
      await server.stop();
    }
  });
});

describe('alerts and dashboard', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  it('speak of metrics and labels that the server has', () => {
    const definitions = new Map(server.get(Metrics).definitions.map((definition) => [definition.name, definition]));
    expect(EXPRESSIONS.length).toBeGreaterThan(50);
    for (const [where, expr] of EXPRESSIONS) {
      const metrics = metricsIn(expr);
      if (where !== 'MintgateDown') expect({ where, metrics }).not.toEqual({ where, metrics: [] });
      for (const metric of metrics) expect({ where, metric, known: definitions.has(metric) }).toEqual({ where, metric, known: true });
      for (const [, metric, matchers] of expr.matchAll(/\b((?:mintgate|process)_[a-z_]+)\{([^}]*)\}/g)) {
        const known = ['job', 'instance', 'le', ...Object.keys(definitions.get(metric.replace(/_(bucket|sum|count)$/, ''))!.labels)];
        for (const [, label] of matchers.matchAll(/(\w+)\s*[=!]/g)) expect({ where, metric, label, known: known.includes(label) }).toEqual({ where, metric, label, known: true });
      }
    }
  });

  it('every metric is on the dashboard', () => {
    const shown = new Set(PANELS.flatMap(({ targets }) => (targets ?? []).flatMap(({ expr }) => metricsIn(expr))));
    expect(server.get(Metrics).definitions.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('each alert', () => {
  const anchors = new Set([...read('docs/operations/runbooks.md').matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')));
  const tests = read('deploy/prometheus/alerts.test.yaml');

  it.each(RULES.map((rule) => [rule.alert, rule] as const))('%s has a severity, a summary, a test, a line in the monitoring page and a place in the runbooks', (alert, { labels, annotations }) => {
    expect(['critical', 'warning']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\.$/);
    expect(tests).toContain(`alertname="${alert}"`);
    const [page, anchor] = annotations.runbook.split('#');
    expect(page).toBe('docs/operations/runbooks.md');
    expect(anchors).toContain(anchor);
    expect(read('docs/operations/monitoring.md')).toContain(`| [${alert}](runbooks.md#${anchor}) | ${labels.severity} |`);
  });

  it.each(PANELS.filter(({ type }) => type !== 'row').map((panel) => [panel.title, panel] as const))('and each panel says what it shows: %s', (_, { description, targets }) => {
    expect(description).toMatch(/\.$/);
    expect(targets).not.toHaveLength(0);
  });
});
