import { execFile, type ExecFileException } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { Config } from '../../src/config/config.js';
import { ConfigurationError } from '../../src/config/configuration-error.js';
import { loadConfig } from '../../src/config/load-config.js';
import { type Setting, SETTINGS } from '../../src/config/settings.js';
import { EX_CONFIG } from '../../src/workers.js';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../support/databases.js';
import { freePort } from '../support/mariadb.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';
import { SpawnedServer } from '../support/spawned-server.js';

const ROOT = resolve(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const settings = Object.values(SETTINGS) as Setting<unknown>[];
const secretVariables = settings.filter(({ secret }) => secret).map(({ env }) => env);
const known = new Set([...settings.map(({ env }) => env), ...secretVariables.map((env) => `${env}_FILE`)]);

/** Of a compose file, what is looked at here. */
interface Service {
  image: string;
  environment: Record<string, string>;
  secrets: string[];
  networks: string[];
  ports?: string[];
  healthcheck: { test: string[] };
  depends_on?: unknown;
  stop_grace_period: string;
}
interface Compose {
  services: { mintgate: Service; mariadb: Service };
  networks: { gateway: { ipam: { config: [{ gateway: string }] } }; database: unknown };
  secrets: Record<string, unknown>;
}

/** Of a manifest of Kubernetes, what is looked at here: of each kind a part. */
interface Manifest {
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  automountServiceAccountToken?: boolean;
  spec: {
    replicas: number;
    strategy: unknown;
    template: { spec: Pod };
    ports: unknown;
    selector: unknown;
    endpoints: unknown[];
    scaleTargetRef: unknown;
    podSelector: unknown;
    policyTypes: string[];
    ingress: { from: unknown[]; ports: { port: string | number }[] }[];
    egress: { to: { ipBlock?: { except: string[] } }[]; ports: { port: string | number }[] }[];
  };
}
interface Pod {
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: { runAsNonRoot: boolean; runAsUser: number; runAsGroup: number; seccompProfile: { type: string } };
  topologySpreadConstraints: unknown[];
  containers: [Container];
  volumes: [{ name: string; secret: unknown }];
}
interface Container {
  ports: { name: string; containerPort: number }[];
  env: { name: string; value: string }[];
  volumeMounts: unknown[];
  securityContext: { allowPrivilegeEscalation: boolean; readOnlyRootFilesystem: boolean; capabilities: { drop: string[] } };
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
}
interface Probe {
  httpGet: unknown;
  timeoutSeconds: number;
}
interface Kustomization {
  resources: string[];
  components?: string[];
  labels: [{ pairs: Record<string, string> }];
  configMapGenerator: [{ literals: string[] }];
}

/** What `deploy/make-secrets.sh` makes. */
let secrets: string;

beforeAll(async () => {
  secrets = join(mkdtempSync(join(tmpdir(), 'mintgate-secrets-')), 'secrets');
  await run('sh', [join(ROOT, 'deploy/make-secrets.sh'), secrets, 'db.internal']);
});
afterAll(() => rmSync(resolve(secrets, '..'), { recursive: true }));

function run(file: string, args: string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 20_000, ...options, env: { PATH: process.env['PATH'], ...options.env } }, (error: ExecFileException | null, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout + stderr }));
  });
}

/** The environment of a deployment, as production reads it: every name is one that the server knows, no secret stands in it, and each file of a secret is one that was made. */
function configOf(env: Record<string, string>): Config {
  expect(Object.keys(env).filter((name) => !known.has(name) || secretVariables.includes(name))).toEqual([]);
  const here = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, secretVariables.includes(name.replace(/_FILE$/, '')) ? join(secrets, basename(value)) : value]));
  try {
    return loadConfig({ NODE_ENV: 'production', ...here });
  } catch (error) {
    throw error instanceof ConfigurationError ? new Error(error.problems.join('\n')) : error;
  }
}

describe('deploy/make-secrets.sh', () => {
  it('makes secrets with which the server starts, each different at every run', async () => {
    const again = join(secrets, '../again');
    expect(await run('sh', [join(ROOT, 'deploy/make-secrets.sh'), again])).toMatchObject({ code: 0 });
    for (const name of readdirSync(secrets)) expect(readFileSync(join(again, name), 'utf8')).not.toBe(readFileSync(join(secrets, name), 'utf8'));
    const files = Object.fromEntries(['DATABASE_URL', 'KEY_ENCRYPTION_KEY', 'BOOTSTRAP_CLIENT_SECRET', 'METRICS_TOKEN'].map((name) => [`${name}_FILE`, name.toLowerCase()]));
    expect(configOf({ ISSUER: 'https://id.example.com', BOOTSTRAP_CLIENT_ID: 'admin', ...files }).database).toEqual({
      type: 'mariadb', host: 'db.internal', port: 3306, username: 'mintgate', database: 'mintgate', password: readFileSync(join(secrets, 'database_password'), 'utf8').trim(),
    });
  });

  it('leaves secrets that are there as they are', async () => {
    const before = readFileSync(join(secrets, 'key_encryption_key'), 'utf8');
    expect(await run('sh', [join(ROOT, 'deploy/make-secrets.sh'), secrets])).toMatchObject({ code: 1, output: expect.stringContaining('is there already') as string });
    expect(readFileSync(join(secrets, 'key_encryption_key'), 'utf8')).toBe(before);
  });

  it('every user may read a secret file and only the owner may enter the folder, as the documents say', () => {
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect([mode(secrets), ...readdirSync(secrets).map((name) => mode(join(secrets, name)))]).toEqual([
      '700',
      ...readdirSync(secrets).map(() => '444'),
    ]);
    expect(read('docs/operations/keys.md')).toContain('in a file of mode 0444, which containers can read, in a folder of mode 0700');
  });

  it('makes them where neither git nor the image takes them from', () => {
    expect(read('.gitignore').split('\n')).toContain('deploy/secrets/');
    expect(read('.dockerignore').split('\n')).not.toContain('!deploy');
  });
});

/** The stages of the Dockerfile, each a list of instructions with their words. */
function stages(): { name: string; words: string }[][] {
  const lines = read('Dockerfile').replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ').split('\n').filter((line) => line.trim() !== '');
  const list: { name: string; words: string }[][] = [[]];
  for (const line of lines) {
    const [, name, words] = /^([A-Z]+)\s+(.*)$/.exec(line)!;
    if (name === 'FROM') list.push([]);
    list.at(-1)!.push({ name: name, words: words });
  }
  return list;
}

const of = (stage: { name: string; words: string }[], name: string) => stage.filter((each) => each.name === name).map(({ words }) => words);

/** What a stage copies from the context. */
const copied = (stage: { name: string; words: string }[]) => of(stage, 'COPY').filter((words) => !words.startsWith('--from')).flatMap((words) => words.split(/\s+/).slice(0, -1));

describe('the Dockerfile', () => {
  const [head, ...built] = stages();
  const final = built.at(-1)!;

  it('has a base of one major version, which can be exchanged for one with its digest, for all of its stages', () => {
    expect(of(head, 'ARG')).toEqual([expect.stringMatching(/^NODE_IMAGE=node:24-[a-z]+-slim$/)]);
    for (const stage of built) expect(of(stage, 'FROM')[0]).toMatch(/^\$\{NODE_IMAGE\}( AS \w+)?$/);
  });

  it('installs by the lockfile without the scripts of packages, and for the image without what only development needs', () => {
    const installs = built.flatMap((stage) => of(stage, 'RUN')).filter((words) => words.includes('npm ci'));
    expect(installs).toEqual(['npm ci --ignore-scripts', 'npm ci --omit=dev --ignore-scripts']);
    expect(of(final, 'COPY')).toEqual(expect.arrayContaining(['--from=dependencies /app/node_modules node_modules', '--from=build /app/dist dist']));
  });

  it('runs as a user by number who is not root, whom signals reach, and whose health is asked without further programs', () => {
    expect(of(final, 'USER')).toEqual(['10001:10001']);
    expect(of(final, 'STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(of(final, 'CMD')).toEqual(['["node", "dist/src/main.js"]']);
    expect(of(final, 'HEALTHCHECK')[0]).toMatch(/CMD \["node", "dist\/src\/cli\/probe\.js", "live"\]$/);
    const after = final.slice(final.findIndex(({ name }) => name === 'USER'));
    expect(after.filter(({ name }) => ['RUN', 'COPY', 'ADD'].includes(name))).toEqual([]);
  });

  it('fetches nothing by itself, and neither takes nor holds a secret', () => {
    expect(stages().flat().filter(({ name }) => name === 'ADD')).toEqual([]);
    expect(stages().flat().filter(({ name, words }) => ['ARG', 'ENV'].includes(name) && /SECRET|PASSWORD|TOKEN|KEY|DATABASE_URL/.test(words))).toEqual([]);
    expect(of(final, 'ENV')).toEqual(['NODE_ENV=production']);
  });

  it('copies what is there, and .dockerignore lets through just that', () => {
    const sources = new Set(built.flatMap(copied));
    for (const source of sources) expect(existsSync(join(ROOT, source))).toBe(true);
    const [everything, ...through] = read('.dockerignore').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(everything).toBe('*');
    expect(through.map((line) => line.slice(1)).sort()).toEqual([...sources].sort());
  });
});

describeOnEachDatabase('what the image holds, where nothing can be written but its data', (kind) => {
  let image: string;
  let database: TestDatabase;
  let env: Record<string, string>;
  const started: SpawnedServer[] = [];

  /** Root may write anywhere; without its capabilities it is a user like others. */
  const powerless = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
  const command = (...args: string[]) => [...powerless, process.execPath, ...args] as [string, ...string[]];
  const inImage = (...args: string[]) => {
    const [file, ...rest] = command(...args);
    return run(file, rest, { cwd: image, env });
  };

  beforeAll(async () => {
    image = mkdtempSync(join(tmpdir(), 'mintgate-image-'));
    const final = stages().at(-1)!;
    cpSync(join(ROOT, 'dist'), join(image, 'dist'), { recursive: true });
    for (const source of copied(final)) cpSync(join(ROOT, source), join(image, source), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(image, 'node_modules'));
    database = await createDatabase(kind, 'empty');
    if (kind === 'SQLite') mkdirSync(join(image, 'data'), { mode: 0o700 });
    else writeFileSync(join(secrets, 'database_of_the_test'), database.url);
    const certificate = selfSignedCertificate('id.example.com');
    for (const part of ['cert', 'key'] as const) writeFileSync(join(image, `tls.${part}`), certificate[part]);
    chmodSync(image, 0o555);
    env = {
      NODE_ENV: 'production', ISSUER: 'https://id.example.com', PORT: String(await freePort()), HOST: '127.0.0.1', MANAGEMENT_PORT: String(await freePort()), SHUTDOWN_DRAIN_SECONDS: '0', HOME: image, TMPDIR: image,
      KEY_ENCRYPTION_KEY_FILE: join(secrets, 'key_encryption_key'), BOOTSTRAP_CLIENT_ID: 'admin', BOOTSTRAP_CLIENT_SECRET_FILE: join(secrets, 'bootstrap_client_secret'),
      TLS_CERT_FILE: join(image, 'tls.cert'), TLS_KEY_FILE: join(image, 'tls.key'),
      ...(kind === 'SQLite' ? {} : { DATABASE_URL_FILE: join(secrets, 'database_of_the_test') }),
    };
  });
  afterAll(async () => {
    for (const server of started) await server.dispose();
    chmodSync(image, 0o755);
    rmSync(image, { recursive: true });
    await database.drop();
  });

  it('is a place where nothing can be written', async () => {
    expect((await inImage('-e', 'require("fs").writeFileSync("x", "")')).output).toContain('EACCES');
  });

  it('starts, tells its probe how it is, takes its secrets from files, and stops when asked', async () => {
    const before = readdirSync(image);
    const server = await SpawnedServer.start({ folder: image, env, command: command('dist/src/main.js') });
    started.push(server);
    await server.until(async () => (await inImage('dist/src/cli/probe.js', 'ready')).code === 0, 'ready', 25_000);
    expect(await inImage('dist/src/cli/probe.js')).toEqual({ code: 0, output: '' });
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await inImage('dist/src/cli/probe.js')).toMatchObject({ code: 1, output: expect.stringMatching(/^probe: [^\n]*ECONNREFUSED[^\n]*\n$/) as string });
    expect(readdirSync(image)).toEqual(before);
    expect(server.stderr).toBe('');
    // Made with the secret of the file: else it would have been printed.
    expect(server.log.map(({ msg }) => msg)).toContain('ready');
    expect(server.stdout).not.toMatch(/mg_cs_/);
    for (const name of readdirSync(secrets)) expect(server.stdout).not.toContain(readFileSync(join(secrets, name), 'utf8').trim());
  });

  it('a probe that is asked for something else says what it is for', async () => {
    expect(await inImage('dist/src/cli/probe.js', 'well')).toEqual({ code: 1, output: 'probe: usage: probe [live|ready]\n' });
  });
});

const seconds = (text: string) => Number(/^(\d+)s$/.exec(text)?.[1]);

describe('deploy/compose.yaml', () => {
  const compose = parse(read('deploy/compose.yaml')) as Compose;
  const { mintgate, mariadb } = compose.services;
  const environment: Record<string, string> = { ...mintgate.environment, ISSUER: 'https://id.example.com' };

  it('gives the server settings that production takes, its secrets in files that are mounted and made', () => {
    expect(mintgate.environment['ISSUER']).toMatch(/^\$\{ISSUER:\?/);
    const config = configOf(environment);
    expect(config).toMatchObject({ production: true, management: { port: 9000 }, database: { type: 'mariadb' } });
    for (const service of [mintgate, mariadb]) {
      const files = Object.entries(service.environment).filter(([name]) => name.endsWith('_FILE')).map(([, path]) => path.replace('/run/secrets/', ''));
      expect(files.sort()).toEqual([...service.secrets].sort());
      for (const name of service.secrets) {
        expect(compose.secrets[name]).toEqual({ file: `./secrets/${name}` });
        expect(existsSync(join(secrets, name))).toBe(true);
      }
    }
  });

  it('names the database as the secrets do', () => {
    expect([mariadb.environment['MARIADB_USER'], mariadb.environment['MARIADB_DATABASE']]).toEqual(['mintgate', 'mintgate']);
    expect(read('deploy/make-secrets.sh')).toContain('host=${2:-mariadb}');
  });

  it('lets the server end what it does, asks whether it is ready, and waits for the database', () => {
    expect(seconds(mintgate.stop_grace_period)).toBeGreaterThan(configOf(environment).shutdownTimeoutSeconds + 5);
    expect(mintgate.healthcheck.test).toEqual(['CMD', 'node', 'dist/src/cli/probe.js', 'ready']);
    expect(mintgate.depends_on).toEqual({ mariadb: { condition: 'service_healthy' } });
  });

  it('takes from the server what it does not need, and keeps the database from all others', () => {
    expect(mintgate).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(mariadb).toMatchObject({ image: 'mariadb:11.4', cap_drop: ['ALL'], networks: ['database'] });
    expect(mariadb.ports).toBeUndefined();
    expect(compose.networks.database).toEqual({ internal: true });
    for (const port of mintgate.ports!) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
    expect(environment['TRUST_PROXY']).toBe(compose.networks.gateway.ipam.config[0].gateway);
  });
});

describe('deploy/kubernetes', () => {
  const folder = (name: string) => join(ROOT, 'deploy/kubernetes', name);
  const kustomization = (name: string) => parse(readFileSync(join(folder(name), 'kustomization.yaml'), 'utf8')) as Kustomization;
  const documents = (name: string) => kustomization(name).resources.filter((file) => file.endsWith('.yaml')).flatMap((file) => parseAllDocuments(readFileSync(join(folder(name), file), 'utf8')).map((each) => each.toJS() as Manifest));
  const literals = (name: string) => Object.fromEntries(kustomization(name).configMapGenerator[0].literals.map((literal) => [literal.slice(0, literal.indexOf('=')), literal.slice(literal.indexOf('=') + 1)]));
  const base = documents('base');
  const only = (kind: string, name = 'mintgate') => base.find((each) => each.kind === kind && each.metadata.name === name)!;
  const pod = only('Deployment').spec.template.spec;
  const [container] = pod.containers;
  const files = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
  const config = () => configOf({ ...literals('base'), ...literals('production'), ...files });
  const ports = Object.fromEntries(container.ports.map((port) => [port.name, port.containerPort]));
  const labels = kustomization('base').labels[0].pairs;

  it.each(['base', 'production', 'components/autoscaling', 'components/service-monitor'])('%s: every file is one of its resources, and every resource is there', (name) => {
    const { resources, components = [] } = kustomization(name);
    expect(readdirSync(folder(name)).filter((file) => file !== 'kustomization.yaml').sort()).toEqual(resources.filter((each) => !each.startsWith('../')).sort());
    for (const each of [...resources, ...components]) expect(existsSync(join(folder(name), each))).toBe(true);
    expect(documents(name).filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it('gives the server settings that production takes, its secrets as files of a Secret that is made elsewhere', () => {
    expect(config()).toMatchObject({ production: true, database: { type: 'mariadb' }, bootstrapClient: { clientId: 'admin' } });
    const [volume] = pod.volumes;
    expect(volume.secret).toEqual({ secretName: 'mintgate', defaultMode: 0o440 });
    expect(container.volumeMounts).toEqual([{ name: volume.name, mountPath: '/run/secrets/mintgate', readOnly: true }]);
    for (const path of Object.values(files)) expect(resolve(path, '..')).toBe('/run/secrets/mintgate');
  });

  it('probes the listener that has the probes, and restarts on liveness alone', () => {
    expect(ports).toEqual({ public: config().port, management: config().management!.port });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/health/live', port: 'management' });
    expect(container.startupProbe.httpGet).toEqual({ path: '/health/live', port: 'management' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/health/ready', port: 'management' });
    expect(container.readinessProbe.timeoutSeconds * 1000).toBeGreaterThan(config().databaseDeadlineMs);
  });

  it('replaces pods one by one, with one more than needed, and lets each drain before it goes', () => {
    expect(only('Deployment').spec.strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
    expect(only('Deployment').spec.replicas).toBeGreaterThanOrEqual(2);
    expect(config().shutdownDrainSeconds).toBeGreaterThanOrEqual(5);
    expect(config().shutdownTimeoutSeconds).toBeGreaterThan(config().shutdownDrainSeconds);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(config().shutdownTimeoutSeconds + 5);
    expect(only('PodDisruptionBudget').spec).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: labels } });
    for (const constraint of pod.topologySpreadConstraints) expect(constraint).toMatchObject({ maxSkew: 1, labelSelector: { matchLabels: labels }, matchLabelKeys: ['pod-template-hash'] });
  });

  it('keeps to the restricted profile of the Pod Security Standards, which its namespace enforces, with a read-only root', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    expect(Object.keys(pod).filter((name) => name.startsWith('host'))).toEqual([]);
    expect(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`).toBe(of(stages().at(-1)!, 'USER')[0]);
    expect([pod.automountServiceAccountToken, only('ServiceAccount').automountServiceAccountToken]).toEqual([false, false]);
    expect(documents('production')[0].metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
  });

  it('gives the gateway the public listener alone, and lets neither in nor out what has no business there', () => {
    expect(only('Service').spec.ports).toEqual([{ name: 'http', port: 80, targetPort: 'public' }]);
    expect(only('Service', 'mintgate-management').spec.ports).toEqual([{ name: 'management', port: ports['management'], targetPort: 'management' }]);
    const { podSelector, policyTypes, ingress, egress } = only('NetworkPolicy').spec;
    expect({ podSelector, policyTypes }).toEqual({ podSelector: { matchLabels: labels }, policyTypes: ['Ingress', 'Egress'] });
    expect(ingress.map((rule) => [rule.from.length, rule.ports.map(({ port }) => port)])).toEqual([[1, ['public']], [1, ['management']]]);
    const outwards = egress.find(({ ports }) => ports.some(({ port }) => port === 443))!;
    expect(outwards.to[0].ipBlock!.except).toEqual(expect.arrayContaining(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16']));
  });

  it('the network policy lets the server reach the DNS cache of its node and the collector of traces', () => {
    const { egress } = only('NetworkPolicy').spec;
    const portsTo = (matches: (rule: (typeof egress)[number]) => boolean) =>
      egress.filter(matches).flatMap((rule) => rule.ports.map(({ port }) => port));
    expect(portsTo(({ to }) => JSON.stringify(to ?? []).includes('169.254.20.10/32'))).toEqual([53, 53]);
    expect(portsTo(({ to }) => JSON.stringify(to ?? []).includes('monitoring'))).toEqual([4317, 4318]);
  });

  it('scales what there is, and scrapes metrics with the token that the server asks for', () => {
    const [autoscaler] = documents('components/autoscaling');
    expect(autoscaler.spec.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'mintgate' });
    const [monitor] = documents('components/service-monitor');
    expect(monitor.spec.endpoints[0]).toMatchObject({ port: 'management', path: '/metrics', authorization: { credentials: { name: 'mintgate', key: basename(files['METRICS_TOKEN_FILE']) } } });
    expect(monitor.spec.selector).toEqual({ matchLabels: { ...labels, ...only('Service', 'mintgate-management').metadata.labels } });
  });
});

describe('deploy/systemd', () => {
  const directives = (file: string) => read(`deploy/systemd/${file}`).split('\n').filter((line) => /^\w+=/.test(line)).map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const unit = directives('mintgate.service');
  const value = (name: string) => unit.find(([each]) => each === name)?.[1];
  const dropIns = readdirSync(join(ROOT, 'deploy/systemd/mintgate.service.d')).map((name) => `mintgate.service.d/${name}`);
  const credentials = (lines: [string, string][]) => lines.filter(([name]) => name === 'LoadCredential').map(([, text]) => text.split(':'));
  const environment = (lines: [string, string][]) => Object.fromEntries(lines.filter(([name]) => name === 'Environment').flatMap(([, text]) => text.split(' ')).map((pair) => pair.split('=') as [string, string]));

  it('starts the server with settings that production takes, with and without its drop-ins', () => {
    const file = Object.fromEntries(read('deploy/systemd/mintgate.env').split('\n').filter((line) => /^\w+=/.test(line)).map((line) => line.split('=') as [string, string]));
    const all = [unit, ...dropIns.map(directives)];
    expect(configOf({ ...file, ...environment(unit) })).toMatchObject({ production: true, database: { type: 'sqlite', path: './data/mintgate.sqlite' } });
    expect(configOf({ ...file, ...environment(all.flat()) })).toMatchObject({ database: { type: 'mariadb' }, bootstrapClient: { clientId: 'admin' }, metricsToken: expect.any(String) as string });
    expect(value('ExecStart')).toBe('/usr/bin/node /opt/mintgate/dist/src/main.js');
  });

  it('hands each secret over as a credential, which is made and named in the same file', () => {
    for (const file of ['mintgate.service', ...dropIns]) {
      const lines = directives(file);
      expect(credentials(lines).map(([name]) => `%d/${name}`)).toEqual(Object.entries(environment(lines)).filter(([name]) => name.endsWith('_FILE')).map(([, path]) => path));
      for (const [name, path] of credentials(lines)) {
        expect(path).toBe(`/etc/mintgate/secrets/${name}`);
        expect(existsSync(join(secrets, name))).toBe(true);
      }
    }
  });

  it('restarts what failed but not what is configured wrong, and lets the first process stop its workers', () => {
    expect(value('Restart')).toBe('on-failure');
    expect(Number(value('RestartPreventExitStatus'))).toBe(EX_CONFIG);
    expect(value('KillMode')).toBe('mixed');
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThan(Number(SETTINGS.shutdownTimeoutSeconds.fallback) + 5);
  });

  it('lets it write its state and nothing else, gain nothing, and see no more than it needs', () => {
    expect(Object.fromEntries(unit)).toMatchObject({
      DynamicUser: 'yes', StateDirectory: 'mintgate', WorkingDirectory: '%S/mintgate', ProtectSystem: 'strict', ProtectHome: 'yes', PrivateTmp: 'yes', PrivateDevices: 'yes', NoNewPrivileges: 'yes',
      CapabilityBoundingSet: '', ProtectKernelTunables: 'yes', ProtectControlGroups: 'yes', RestrictNamespaces: 'yes', SystemCallArchitectures: 'native',
    });
    expect(unit.filter(([name]) => name === 'SystemCallFilter').map(([, text]) => text)).toEqual(['@system-service', '~@privileged']);
  });
});

describe('the documents', () => {
  it('no document runs the command line by npx, which installs a stranger\'s package outside a clone', () => {
    const documents = ['README.md', ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => `docs/${path}`)];
    const pages = documents.filter((path) => path.endsWith('.md') && !path.startsWith('docs/adr/'));
    expect(pages.length).toBeGreaterThan(20);
    expect(pages.filter((path) => read(path).includes('npx mintgate'))).toEqual([]);
  });
});
