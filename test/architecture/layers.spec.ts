import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');

interface Cruise {
  summary: { violations: { rule: { name: string }; from: string; to: string }[]; totalCruised: number };
}

/** Runs dependency-cruiser as a program, since its API is an ES module that Jest cannot load. */
function cruise(folder: string, ...paths: string[]): Promise<Cruise> {
  const args = [join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'), '--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json', ...paths];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 * 1024 * 1024, timeout: 60_000 }, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as Cruise);
      else reject(error ?? new Error(stderr));
    });
  });
}

const breaches = ({ summary }: Cruise): string[] => summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();

describe('the rows of folders', () => {
  it('holds in the source: lower rows only, no neighbours, no cycles, no undeclared packages', async () => {
    const result = await cruise(ROOT, 'src', 'ormconfig.ts');
    expect(result.summary.totalCruised).toBeGreaterThan(100);
    expect(breaches(result)).toEqual([]);
  });

  it('is seen to be broken when it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mintgate-layers-'));
    const files: Record<string, string> = {
      'package.json': '{"name":"x"}',
      'tsconfig.build.json': JSON.stringify({ compilerOptions: { module: 'nodenext', moduleResolution: 'nodenext', target: 'ES2023' }, include: ['src'] }),
      'src/main.ts': 'export const m = 1;',
      'src/config/config.ts': 'export const config = 1;',
      'src/common/c.ts': `import { config } from '../config/config.js'; import type { A } from '../keys/a.js'; export const c: A = config;`,
      'src/keys/a.ts': 'export type A = number;',
      'src/clients/k.ts': `import type { A } from '../keys/a.js'; import { t } from '../tokens/t.js'; import x from 'not-there'; export const k: A = t + x;`,
      'src/tokens/t.ts': `import { k } from '../clients/k.js'; export const t = k;`,
      'src/tokens/u.ts': `import { m } from '../main.js'; export const u = m;`,
      'src/oddity/t.ts': `import { k } from '../clients/k.js'; export const t = k;`,
    };
    try {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      expect(breaches(await cruise(folder, 'src'))).toEqual([
        'every-folder-has-a-row: src/oddity/t.ts -> src/clients/k.ts',
        'no-cycles: src/clients/k.ts -> src/tokens/t.ts',
        'no-unresolved: src/clients/k.ts -> not-there',
        'not-sideways-from-clients: src/clients/k.ts -> src/keys/a.ts',
        'not-upwards-from-clients: src/clients/k.ts -> src/tokens/t.ts',
        'not-upwards-from-common: src/common/c.ts -> src/config/config.ts',
        'not-upwards-from-common: src/common/c.ts -> src/keys/a.ts',
        'not-upwards-from-tokens: src/tokens/u.ts -> src/main.ts',
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the source', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name: `src/${name}`, text: readFileSync(join(ROOT, 'src', name), 'utf8') }));

  const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const holding = (pattern: RegExp, allowed: RegExp = /^$/) => files.filter(({ name, text }) => !allowed.test(name) && pattern.test(code(text))).map(({ name }) => name);

  const REPOSITORIES = /\.repository\.ts$|^src\/database\//;

  it.each<[string, RegExp, RegExp]>([
    ['forwardRef', /\bforwardRef\b/, /^$/],
    ['process.env outside config/', /\bprocess\s*\.\s*env\b|\bprocess\[['"]env|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/, /^src\/config\//],
    ['Repository<T> outside repositories and database/', /\bRepository<|\bgetRepository\b|\bInjectRepository\b/, REPOSITORIES],
    ['a query builder outside repositories and database/', /\bcreateQueryBuilder\b/, REPOSITORIES],
    ['SQL outside repositories and database/', /['"`]\s*(SELECT\b.+\bFROM\b|INSERT\b.+\bINTO\b|UPDATE\b.+\bSET\b|DELETE\s+FROM\b|(CREATE|ALTER|DROP)\s+TABLE\b)/i, REPOSITORIES],
    ['a switch on the grant type', /switch\s*\([^)]*grant_?type/i, /^$/],
    ['an ES import without its extension', /from '\.{1,2}\/[^']*(?<!\.js)'/, /^$/],
  ])('holds no: %s', (_, pattern, allowed) => {
    expect(holding(pattern, allowed)).toEqual([]);
  });

  it('has no barrel index.ts: the list of migrations is the only index', () => {
    expect(files.map(({ name }) => name).filter((name) => /(^|\/)index\.ts$/.test(name))).toEqual(['src/database/migrations/index.ts']);
    expect(holding(/\bexport\s+\*\s+from\b/)).toEqual([]);
  });

  it('lists every migration, in the order of its timestamp', async () => {
    const { MIGRATIONS } = await import('../../src/database/migrations/index.js');
    const stamps = files.flatMap(({ name }) => /migrations\/(\d{13})-/.exec(name)?.[1] ?? []).sort();
    expect(MIGRATIONS.map(({ name }) => name.slice(-13))).toEqual(stamps);
  });

  it('lists every entity', async () => {
    const { ENTITIES } = await import('../../src/app.entities.js');
    expect(ENTITIES).toHaveLength(files.filter(({ name }) => name.endsWith('.entity.ts')).length);
  });
});
