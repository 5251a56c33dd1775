import { execFile, type ExecFileException } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mintgate-supply-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(file: string, args: string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 60_000, ...options, env: { ...process.env, ...options.env } }, (error: ExecFileException | null, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }));
  });
}

/** A package in the folder's node_modules, and among the dependencies that its lockfile names. */
function project(dependencies: Record<string, { license?: string | string[]; dev?: boolean }>): void {
  const names = (dev: boolean) => Object.fromEntries(Object.entries(dependencies).filter(([, { dev: only = false }]) => only === dev).map(([name]) => [name, '1.0.0']));
  const manifest = { name: 'sample', version: '1.0.0', private: true, dependencies: names(false), devDependencies: names(true) };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const locked = Object.entries(dependencies).map(([name, { dev }]) => [`node_modules/${name}`, { version: '1.0.0', ...(dev ? { dev } : {}) }] as const);
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ name: 'sample', version: '1.0.0', lockfileVersion: 3, requires: true, packages: { '': manifest, ...Object.fromEntries(locked) } }));
  for (const [name, { license }] of Object.entries(dependencies)) {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(folder, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...(license ? { license } : {}) }));
  }
}

describe('npm run licenses', () => {
  const licenses = (of: string) => run(process.execPath, [join(ROOT, 'deploy/supply-chain/licenses.mjs'), of]);

  it('passes the production dependencies of this project', async () => {
    expect(await licenses(ROOT)).toEqual({ code: 0, stdout: expect.stringMatching(/^licenses: \d{2,} production dependencies, all under [^\n]*MIT[^\n]*\n$/) as string, stderr: '' });
  });

  it('lists every dependency that nobody has allowed, and no other', async () => {
    project({ good: { license: 'MIT' }, either: { license: '(GPL-3.0-only OR MIT)' }, copyleft: { license: 'GPL-3.0-only' }, both: { license: '(MIT AND AGPL-3.0-only)' }, unknown: {}, tool: { license: 'GPL-3.0-only', dev: true } });
    const { code, stderr } = await licenses(folder);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^licenses: 3 of 5 production dependencies need a look:\n/);
    expect(stderr.match(/^ {2}\S+: .*$/gm)!.sort()).toEqual(['  both@1.0.0: (MIT AND AGPL-3.0-only)', '  copyleft@1.0.0: GPL-3.0-only', '  unknown@1.0.0: UNKNOWN']);
  });
});

describe('npm run sbom', () => {
  it('writes CycloneDX 1.6 of the production dependencies, the same at each run, with nothing of this machine in it', async () => {
    const files = ['a.json', 'b.json'].map((name) => join(folder, name));
    for (const { code, stderr } of await Promise.all(files.map((file) => run('npm', ['run', '--silent', 'sbom', '--', file], { cwd: ROOT })))) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first, second] = files.map((file) => readFileSync(file, 'utf8'));
    expect(second).toBe(first);
    expect(first).not.toContain(ROOT);
    const bom = JSON.parse(first) as { bomFormat: string; specVersion: string; metadata: { component: { type: string; name: string } }; components: { name: string; group?: string }[] };
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', metadata: { component: { type: 'application', name: 'mintgate' } } });
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    const names = new Set(bom.components.map(({ name, group }) => (group ? `${group}/${name}` : name)));
    expect(Object.keys(dependencies).filter((name) => !names.has(name))).toEqual([]);
    expect(['jest', 'eslint', '@swc/core', '@nestjs/cli', 'playwright-core'].filter((name) => names.has(name))).toEqual([]);
  }, 60_000);

  it('asks for the file that it is to write', async () => {
    expect((await run('npm', ['run', '--silent', 'sbom'], { cwd: ROOT })).code).not.toBe(0);
  });
});

describe('npm run audit:production', () => {
  let registry: Server;
  let answer: (req: IncomingMessage, res: ServerResponse) => void;

  const json = (value: unknown) => (req: IncomingMessage, res: ServerResponse) => {
    const { pathname } = new URL(req.url!, 'http://registry');
    if (req.method === 'POST') return res.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
    const versions = { '1.0.0': { name: pathname.slice(1), version: '1.0.0', dist: { tarball: 'http://127.0.0.1/x.tgz', shasum: '0'.repeat(40) } } };
    return res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ name: pathname.slice(1), 'dist-tags': { latest: '1.0.0' }, versions }));
  };
  const advisory = (severity: string) => ({ good: [{ id: 1, url: 'https://advisories.example/1', title: 'It lets anybody in', severity, vulnerable_versions: '*', cwe: [], cvss: { score: 0, vectorString: null } }] });

  beforeAll(async () => {
    registry = createServer((req, res) => {
      req.resume();
      answer(req, res);
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => registry.close(resolve)));

  const audit = (url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`) =>
    run(process.execPath, [join(ROOT, 'deploy/supply-chain/audit.mjs')], { cwd: folder, env: { npm_config_registry: url, npm_config_fetch_retries: '0', npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' } });

  beforeEach(() => project({ good: { license: 'MIT' }, tool: { license: 'MIT', dev: true } }));

  it('ends with 0 and says so when the registry knows of nothing', async () => {
    answer = json({});
    expect(await audit()).toEqual({ code: 0, stdout: 'audit: no known vulnerability in the production dependencies\n', stderr: '' });
  });

  it.each(['high', 'critical'])('ends with 1 and names what it found: %s', async (severity) => {
    answer = json(advisory(severity));
    const { code, stdout, stderr } = await audit();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`  ${severity}: good *: It lets anybody in https://advisories.example/1`);
    expect(stderr).toContain(`audit: 1 ${severity} in the production dependencies\n`);
  });

  it('counts what is less than high, and lets it pass', async () => {
    answer = json(advisory('moderate'));
    expect(await audit()).toEqual({ code: 0, stdout: 'audit: 1 moderate in the production dependencies\n', stderr: '' });
  });

  it.each<[string, (req: IncomingMessage, res: ServerResponse) => void]>([
    ['does not do audits', (_, res) => void res.writeHead(405).end()],
    ['is broken', (_, res) => void res.writeHead(503).end('down')],
    ['hangs up', (req) => void req.socket.destroy()],
  ])('ends with 75 and says that nothing was found out when the registry %s', async (_, behaviour) => {
    answer = behaviour;
    const { code, stdout, stderr } = await audit();
    expect({ code, stdout }).toEqual({ code: 75, stdout: '' });
    expect(stderr).toMatch(/^audit: NOT DONE, the registry could not be asked: [^\n]+\n$/);
  });

  it('ends with 75 when there is no registry', async () => {
    expect(await audit('http://127.0.0.1:1/')).toMatchObject({ code: 75, stderr: expect.stringContaining('NOT DONE') as string });
  });

  it.each([
    [0, 0],
    [1, 1],
    [75, 0],
  ])('when it ends with %i, the run of everything that must hold ends with %i, or goes on', async (ended, expected) => {
    const line = readFileSync(join(ROOT, '.ci/run'), 'utf8').split('\n').find((each) => each.includes('audit:production'))!;
    expect((await run('bash', ['-c', `set -euo pipefail; npm() { return ${ended}; }; ${line}\necho went on`])).code).toBe(expected);
  });
});
