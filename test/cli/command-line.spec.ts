import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Command } from 'commander';
import { NewClientDto } from '../../src/admin/dto/client.dto.js';
import { VALIDATION } from '../../src/admin/dto/decorators.js';
import { ResourceDto } from '../../src/admin/dto/resource.dto.js';
import { NewUserDto } from '../../src/admin/dto/user.dto.js';
import { CLIENT_FIELDS, RESOURCE_FIELDS, USER_FIELDS } from '../../src/cli/bodies.js';
import { examplesOf } from '../../src/cli/command.js';
import { buildProgram } from '../../src/cli/program.js';
import { cliReference } from '../../src/cli/reference.js';
import { MINTGATE, mintgate, type Outcome, run } from '../support/command-line.js';
import { createDatabase, type DatabaseKind, describeOnEachDatabase, describeOnOneDatabase, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { plant } from '../support/leak-watch.js';
import { freePort } from '../support/mariadb.js';
import { OAuthDriver, PASSWORD } from '../support/oauth-driver.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SECRET = /mg_cs_[\w-]{43}/;
const ADMIN = { clientId: 'admin', clientSecret: 'an-admin-secret-of-some-length' };
const KEY = Buffer.alloc(32, 'k').toString('base64');

// Each command builds the whole application, and there are many.
jest.setTimeout(120_000);

const folders: string[] = [];
const emptyFolder = () => {
  folders.push(mkdtempSync(join(temporaryFolder(), 'mintgate-cli-')));
  return folders.at(-1)!;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const everyCommand = (command: Command): Command[] => [command, ...command.commands.filter((each) => each.name() !== 'complete').flatMap(everyCommand)];
const installed = (program: string): boolean => (process.env['PATH'] ?? '').split(delimiter).some((folder) => readableNames(folder).includes(program));
const readableNames = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};
const inFolder = (folder: string) => ({ run: (...args: string[]): Promise<Outcome> => mintgate(args, { folder }) });

describe('The command line, before it does anything', () => {
  const program = buildProgram(() => undefined);

  it('has examples in the help of every command, and every line of them is a command that there is', () => {
    const commands = everyCommand(program);
    expect(commands.length).toBeGreaterThan(35);
    for (const command of commands) {
      const examples = examplesOf(command);
      expect([command.name(), examples.length > 0]).toEqual([command.name(), true]);
      for (const [line] of examples) {
        const words = line.slice(line.indexOf('mintgate')).replaceAll(/[()]/g, '').split(' ').slice(1);
        let named: Command = program;
        for (const word of words) named = named.commands.find((each) => each.name() === word) ?? named;
        expect([line, named.commands.length]).toEqual([line, 0]);
        const flags = words.flatMap((word) => (/^--[a-z]/.test(word) ? [word] : []));
        expect(flags.filter((flag) => !named.options.some(({ long }) => long === flag))).toEqual([]);
      }
    }
  });

  it.each([[['--help'], 0, /Examples:\n.*\n {2}\$ mintgate doctor/], [['clients', 'create', '--help'], 0, /--redirect-uris <value\.\.\.>/], [['--version'], 0, /^\d+\.\d+\.\d+\n$/]] as const)('%j is answered without loading the server', async (args, code, text) => {
    const folder = emptyFolder();
    const hook = join(folder, 'loaded.cjs');
    writeFileSync(hook, `process.on('exit', () => process.stderr.write(Object.keys(require.cache).filter((file) => /node_modules.(@nestjs|typeorm|zod|class-validator)/.test(file)).length + ' loaded'))`);
    const outcome = await run(process.execPath, ['-r', hook, MINTGATE, ...args], { folder });
    expect(outcome.stdout).toMatch(text);
    expect([outcome.code, outcome.stderr]).toEqual([code, '0 loaded']);
  });

  it.each<[string[], string]>([
    [['bogus'], `unknown command 'bogus'`],
    [['clients', 'lits'], `unknown command 'lits'\n(Did you mean list?)`],
    [['clients', 'list', '--bogus'], `unknown option '--bogus'`],
    [['clients', 'show'], `missing required argument 'client_id'`],
    [['clients', 'update', 'x', '--enabled', 'maybe'], 'Allowed choices are true, false'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish'],
    [['clients', 'create', '--from', 'not-there.json'], 'not-there.json: cannot be read (ENOENT)'],
    [['clients', 'create', '--from', '-'], 'standard input: does not hold JSON'],
    [['keys', 'delete', 'x'], '--yes is needed where nobody can be asked'],
  ])('%j is wrong usage: 2, with a line that says why', async (args, line) => {
    const outcome = await mintgate(args, { folder: emptyFolder(), input: 'secret-on-standard-input' });
    expect([outcome.code, outcome.stdout]).toEqual([2, '']);
    expect(outcome.stderr).toContain(`mintgate: ${line.startsWith('Allowed') ? '' : line}`);
    expect(outcome.stderr).toContain(line);
    expect(outcome.stderr).not.toContain('secret-on-standard-input');
  });

  it('a group alone shows its help, on standard error, as wrong usage', async () => {
    const outcome = await mintgate(['clients', 'secrets'], { folder: emptyFolder() });
    expect([outcome.code, outcome.stdout]).toEqual([2, '']);
    expect(outcome.stderr).toContain('mintgate clients secrets add billing-cron');
  });

  it('has an option for every member of a body that is neither secret nor made of members', () => {
    const membersOf = (dto: new () => object) => [...new Set(VALIDATION.load().getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false).map(({ propertyName }) => propertyName))].sort();
    const optionsOf = (fields: readonly { member: string }[]) => fields.map(({ member }) => member).sort();
    expect(optionsOf([...CLIENT_FIELDS, { member: 'client_id' }])).toEqual(membersOf(NewClientDto));
    expect(optionsOf([...USER_FIELDS, { member: 'address' }, { member: 'password' }, { member: 'password_hash' }])).toEqual(membersOf(NewUserDto));
    expect(optionsOf([...RESOURCE_FIELDS, { member: 'scopes' }])).toEqual(membersOf(ResourceDto));
  });

  it('is what docs/reference/cli.md says that it is', () => {
    expect(readFileSync(join(__dirname, '../../docs/reference/cli.md'), 'utf8')).toBe(cliReference());
  });
});

describe('Completion', () => {
  const folder = emptyFolder();

  it.each(['bash', 'zsh', 'fish'])('prints a script for %s, which that shell takes where it is installed', async (shell) => {
    const { code, stdout } = await mintgate(['completion', shell], { folder });
    expect(code).toBe(0);
    expect(stdout).toContain('mintgate complete -- ');
    const file = join(folder, `mintgate.${shell}`);
    writeFileSync(file, stdout);
    const parse = () => execFileSync(shell, ['-n', file], { stdio: 'pipe' });
    if (installed(shell)) expect(parse).not.toThrow();
  });

  it('completes commands, options and choices in bash, and leaves file names to it', async () => {
    const script = join(folder, 'complete.bash');
    writeFileSync(script, `mintgate() { "$NODE" "$MINTGATE" "$@"; }\nsource <(mintgate completion bash)\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(( $# - 1 ))\n_mintgate\nprintf '%s\\n' "\${COMPREPLY[@]}"\n`);
    const complete = async (...words: string[]) => (await run('bash', [script, 'mintgate', ...words], { folder, env: { NODE: process.execPath, MINTGATE } })).stdout.split('\n').filter(Boolean);
    expect(await complete('cl')).toEqual(['cleanup', 'clients']);
    expect(await complete('clients', 'secrets', '')).toEqual(['list', 'add', 'delete', 'help']);
    expect(await complete('clients', 'list', '--e')).toEqual(['--enabled']);
    expect(await complete('clients', 'update', 'billing-cron', '--enabled', '')).toEqual(['true', 'false']);
    expect(await complete('completion', 'z')).toEqual(['zsh']);
    expect(await complete('clients', 'create', '--from', '')).toEqual([]);
  });
});

describe('mintgate start', () => {
  it('is the server: it tells its first secret, ends by SIGTERM with 0, and with 78 on a wrong configuration', async () => {
    const command = [process.execPath, MINTGATE, 'start'] as const;
    const server = await (await SpawnedServer.start({ command: [...command], env: { WORKERS: '2' } })).ready();
    try {
      await eventually(() => expect(server.stdout).toMatch(SECRET));
      server.kill('SIGTERM');
      expect(await server.exited).toEqual({ code: 0, signal: null });
    } finally {
      await server.dispose();
    }
    expect(await run(process.execPath, [MINTGATE, 'start'], { folder: emptyFolder(), env: { ISSUER: 'x' } })).toMatchObject({ code: 78, stdout: '', stderr: 'mintgate: ISSUER: is not a URL\n' });
  });
});

describe('Without a database, or with a wrong configuration', () => {
  it.each([['clients', 'list'], ['migrate', '--status'], ['cleanup', '--dry-run'], ['audit', 'list']])('%s %s makes none, and nothing else', async (...args) => {
    const folder = emptyFolder();
    const outcome = await mintgate(args, { folder });
    expect([outcome.code, readdirSync(folder)]).toEqual([1, []]);
    expect(outcome.stderr + outcome.stdout).toMatch(args[0] === 'migrate' ? /^\d+ of \d+ migrations wait:\n/ : /^mintgate: there is no database yet \(\.\/data\/mintgate\.sqlite\): mintgate start, or mintgate migrate, makes it\n$/);
  });

  it('says every problem of the configuration in a line, and ends with 78', async () => {
    const outcome = await mintgate(['clients', 'list'], { folder: emptyFolder(), env: { ISSUER: 'x', WORKERS: 'many' } });
    expect([outcome.code, outcome.stdout]).toEqual([78, '']);
    expect(outcome.stderr).toMatch(/^mintgate: WORKERS: .*\nmintgate: ISSUER: is not a URL\n$/);
  });

  it('fails within the deadline when the database is away, in one line and without its password', async () => {
    plant('canary-of-the-database');
    const env = { DATABASE_URL: `mariadb://mintgate:canary-of-the-database@127.0.0.1:${await freePort()}/mintgate`, KEY_ENCRYPTION_KEY: KEY };
    for (const args of [['clients', 'list'], ['migrate'], ['cleanup']]) {
      const outcome = await mintgate(args, { folder: emptyFolder(), env });
      expect([outcome.code, outcome.stdout, outcome.stderr]).toEqual([1, '', 'mintgate: the database cannot be used: it does not answer (ECONNREFUSED)\n']);
    }
  });

  it('migrates, says what waits, and lets no other command work on tables that are not up to date', async () => {
    const folder = emptyFolder();
    const { run } = inFolder(folder);
    writeFileSync(join(folder, 'other.sqlite'), '');
    const env = { DATABASE_URL: 'sqlite:other.sqlite', KEY_ENCRYPTION_KEY: KEY };
    expect((await mintgate(['clients', 'list'], { folder, env })).code).toBe(1);

    const waiting = (await run('migrate', '--status', '--json')).json<{ pending: string[] }>().pending;
    const migrated = await run('migrate');
    expect([migrated.code, migrated.stdout]).toEqual([0, [...waiting, `${waiting.length} migrations have run.`, ''].join('\n')]);
    expect(await run('migrate', '--status')).toMatchObject({ code: 0, stdout: `All ${waiting.length} migrations have run.\n` });
    expect((await run('migrate', '--json')).json()).toEqual({ migrated: [] });
    expect((await run('clients', 'list', '--json')).json()).toEqual({ items: [], next_cursor: null });
    expect(await run('keys', 'rotate')).toMatchObject({ code: 1, stderr: 'mintgate: There is no signing key yet: a server that starts makes the first.\n' });
  });
});

/** A server, and a command line beside it that reads the same configuration. */
class Beside {
  private constructor(
    readonly database: TestDatabase,
    readonly server: SpawnedServer,
    readonly driver: OAuthDriver,
    readonly folder: string,
  ) {}

  static async start(kind: DatabaseKind): Promise<Beside> {
    const database = await createDatabase(kind);
    const env = { DATABASE_URL: database.url, KEY_ENCRYPTION_KEY: KEY, BOOTSTRAP_CLIENT_ID: ADMIN.clientId, BOOTSTRAP_CLIENT_SECRET: ADMIN.clientSecret };
    const server = await (await SpawnedServer.start({ env })).ready();
    const folder = emptyFolder();
    writeFileSync(join(folder, '.env'), Object.entries({ ...env, ISSUER: server.url }).map(([name, value]) => `${name}=${value}\n`).join(''), { mode: 0o600 });
    return new Beside(database, server, new OAuthDriver(server.url, ADMIN), folder);
  }

  async stop(): Promise<void> {
    await this.server.dispose();
    await this.database.drop();
  }

  cli = (...args: string[]): Promise<Outcome> => mintgate(args, { folder: this.folder });
  given = (input: string, ...args: string[]): Promise<Outcome> => mintgate(args, { folder: this.folder, input });
  rest = async (path: string, method = 'GET', body?: unknown) => (await this.driver.adminRequest(method, path, body)).body;

  /** The JSON of a command that the test takes for granted. */
  made = async (...args: string[]) => {
    const outcome = await this.cli(...args, '--json');
    if (outcome.code !== 0) throw new Error(outcome.stderr);
    return outcome.json<Record<string, string>>();
  };

  /** The latest event of a type. */
  audited = async (type: string) => ((await this.rest(`/audit-events?type=${type}&limit=1`))['items'] as Record<string, unknown>[])[0];
}

const WITHIN_A_SECOND = { withinMs: 1000, everyMs: 50 };

/** A suite's own server, whose parts its tests take apart. */
function beside(kind: DatabaseKind): () => Beside {
  let started: Beside | undefined;
  beforeAll(async () => {
    started = await Beside.start(kind);
  });
  afterAll(() => started?.stop());
  return () => started!;
}

describeOnEachDatabase('Clients, beside a running server', (kind) => {
  const running = beside(kind);

  it('makes a client whose secret is good at once; shows and lists it as REST does; disabled, it is refused within a second', async () => {
    const { cli, made, rest, audited, driver } = running();
    const created = await made('clients', 'create', 'billing-cron', '--scope', 'invoices:read invoices:write', '--access-token-lifetime', '60');
    const credentials = { clientId: 'billing-cron', clientSecret: created['client_secret'] };
    const shown = await rest('/clients/billing-cron');
    expect(created).toEqual({ ...shown, client_secret: expect.stringMatching(SECRET) as string, client_secret_expires_at: 0 });
    expect((await cli('clients', 'show', 'billing-cron', '--json')).json()).toEqual(shown);
    expect((await cli('clients', 'list', '--limit', '1', '--json')).json()).toEqual(await rest('/clients?limit=1'));
    const token = await driver.accessToken(credentials);

    const updated = await made('clients', 'update', 'billing-cron', '--enabled', 'false', '--client-name', 'Billing');
    expect(updated).toEqual({ ...(await rest('/clients/billing-cron')), enabled: false, client_name: 'Billing' });
    await eventually(async () => expect((await driver.token(credentials)).status).toBe(401), WITHIN_A_SECOND);
    await cli('clients', 'update', 'billing-cron', '--enabled', 'true', '--unset', 'client_name');
    await eventually(async () => expect((await driver.introspect(credentials, token)).body).toEqual({ active: false }), WITHIN_A_SECOND);
    expect((await rest('/clients/billing-cron'))['client_name']).toBe('billing-cron');
    expect(await audited('client.updated')).toMatchObject({ client_id: 'billing-cron', actor: { client_id: null, operator: userInfo().username }, detail: { changed: ['client_name', 'enabled'] } });
  });

  it('refuses what REST refuses, in its words: a line for each, or its problem document', async () => {
    const { cli, given, made, rest } = running();
    const body = { client_id: 'bad', redirect_uris: ['https://app.example.com/*'], grant_types: ['nonsense'], access_token_lifetime: 'long' };
    const args = ['clients', 'create', 'bad', '--redirect-uris', 'https://app.example.com/*', '--grant-types', 'nonsense', '--access-token-lifetime', 'long'];
    const problem = await rest('/clients', 'POST', body);
    const asJson = await cli(...args, '--json');
    expect([asJson.code, JSON.parse(asJson.stderr)]).toEqual([1, problem]);
    const inLines = await cli(...args);
    expect([inLines.code, inLines.stderr]).toEqual([1, (problem['errors'] as { pointer: string; detail: string }[]).map(({ pointer, detail }) => `mintgate: ${pointer} ${detail}\n`).join('')]);

    await made('clients', 'create', 'twice');
    expect(await cli('clients', 'create', 'twice')).toMatchObject({ code: 1, stderr: 'mintgate: A client with this id exists already.\n' });
    expect(await cli('clients', 'show', 'nobody')).toMatchObject({ code: 1, stderr: 'mintgate: There is no such client.\n' });
    expect(await cli('clients', 'list', '--limit', '0')).toMatchObject({ code: 1, stderr: 'mintgate: /limit must be a whole number from 1 to 200\n' });
    expect(await given('{"scopes": 1}', 'resources', 'create', 'x', '--from', '-')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('mintgate: /scopes ') as string });
  });

  it('changes a secret without an outage, revokes what a client holds, and deletes it', async () => {
    const { cli, made, rest, driver } = running();
    const first = await made('clients', 'create', 'rotated');
    const second = await made('clients', 'secrets', 'add', 'rotated', '--previous-expires-in', '0');
    expect(Object.keys(second).sort()).toEqual(['client_secret', 'client_secret_expires_at', 'created_at', 'expires_at', 'last_used_at', 'secret_id']);
    const credentials = { clientId: 'rotated', clientSecret: second['client_secret'] };
    await eventually(async () => expect((await driver.token({ ...credentials, clientSecret: first['client_secret'] })).status).toBe(401), WITHIN_A_SECOND);
    const token = await driver.accessToken(credentials);
    expect((await cli('clients', 'secrets', 'list', 'rotated', '--json')).json()).toEqual(await rest('/clients/rotated/secrets'));

    expect(await cli('clients', 'tokens', 'revoke', 'rotated', '--json')).toMatchObject({ code: 0, stdout: '' });
    await eventually(async () => expect((await driver.introspect(credentials, token)).body).toEqual({ active: false }), WITHIN_A_SECOND);
    expect(await cli('clients', 'secrets', 'delete', 'rotated', second['secret_id'])).toMatchObject({ code: 0, stdout: `Deleted: ${second['secret_id']}\n` });
    expect(await cli('clients', 'delete', 'rotated')).toMatchObject({ code: 0, stdout: 'Deleted: rotated\n', stderr: '' });
    await eventually(async () => expect((await driver.adminRequest('GET', '/clients/rotated')).status).toBe(404), WITHIN_A_SECOND);
  });

  it('shows a secret once in a table for people, with a note beside it, and no secret in any list', async () => {
    const { cli } = running();
    const created = await cli('clients', 'create', 'for-people', '--scope', 'a');
    expect(created.stdout).toMatch(new RegExp(`\nclient_secret +${SECRET.source}\n`));
    expect(created.stderr).toBe('The secret is shown this once: only its digest is stored.\n');
    const list = await cli('clients', 'list');
    expect(list.stdout).toMatch(/^CLIENT ID +NAME +GRANT TYPES +SCOPE +ENABLED +CREATED\nfor-people +for-people +client_credentials +a +true +\d{4}-/);
    expect(list.stdout + (await cli('clients', 'secrets', 'list', 'for-people')).stdout).not.toMatch(SECRET);
    const page = await cli('clients', 'list', '--limit', '1');
    const next = await cli('clients', 'list', '--limit', '1', '--cursor', /^More: --cursor (\S+)\n$/.exec(page.stderr)![1], '--json');
    expect(next.json<{ items: unknown[] }>().items).toHaveLength(1);
  });

});

describeOnOneDatabase('Users and protected resources, beside a running server', (kind) => {
  const running = beside(kind);

  it('makes a user with a password from standard input, who is named by her name or id; sets another, which signs her out', async () => {
    const { cli, given, made, rest, audited, driver } = running();
    const app = await driver.registerClient({ grant_types: ['password'], scope: 'a' });
    const created = (await given(`${PASSWORD}\n`, 'users', 'create', 'margaret', '--email', 'margaret@example.com', '--roles', 'accountant', 'manager', '--password-file', '-', '--json')).json<Record<string, string>>();
    expect(created).toEqual(await rest(`/users/${created['user_id']}`));
    expect(created['roles']).toEqual(['accountant', 'manager']);
    const { accessToken } = await driver.signIn(app, { username: 'margaret', password: PASSWORD });

    const other = 'another horse, another battery';
    plant(other);
    expect(await given(`${other}\n`, 'users', 'set-password', 'Margaret')).toMatchObject({ code: 0, stdout: 'Set: the password of Margaret, who is signed out everywhere\n', stderr: '' });
    await eventually(async () => expect((await driver.introspect(app, accessToken)).body).toEqual({ active: false }), WITHIN_A_SECOND);
    await driver.signIn(app, { username: 'margaret', password: other });
    expect(await given('short', 'users', 'set-password', 'margaret')).toMatchObject({ code: 1, stderr: 'mintgate: /password must have 15 characters or more\n' });
    expect(await given('nonsense', 'users', 'set-password', 'margaret', '--hash')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^mintgate: \/password_hash .+\n$/) as string });

    expect((await cli('users', 'list', '--q', 'MARGARET', '--json')).json()).toEqual(await rest('/users?q=MARGARET'));
    expect(await made('users', 'update', created['user_id'], '--enabled', 'false', '--birthdate', '1936-08-17')).toMatchObject({ enabled: false, birthdate: '1936-08-17', email: 'margaret@example.com' });
    for (const command of ['unlock', 'sign-out']) expect(await cli('users', command, 'margaret')).toMatchObject({ code: 0, stderr: '' });
    expect(await audited('user.signed_out')).toMatchObject({ user_id: created['user_id'] });
    expect(await cli('users', 'delete', 'margaret')).toMatchObject({ code: 0 });
    expect(await cli('users', 'show', 'margaret')).toMatchObject({ code: 1, stderr: 'mintgate: There is no such user.\n' });
  });

  it('registers, changes and deletes a protected resource', async () => {
    const { cli, made, rest } = running();
    const created = await made('resources', 'create', 'https://api.example.com/invoices', '--name', 'Invoices', '--scopes', 'invoices:see', 'invoices:change');
    expect(created).toEqual(await rest(`/resources/${created['resource_id']}`));
    expect((await cli('resources', 'list', '--json')).json()).toEqual(await rest('/resources'));
    expect((await cli('resources', 'list')).stdout).toContain('invoices:see invoices:change');
    expect(await made('resources', 'update', created['resource_id'], '--resource-servers', 'invoices-api')).toMatchObject({ resource_servers: ['invoices-api'], scopes: created['scopes'] });
    expect(await cli('resources', 'create', 'https://api.example.com/other', '--scopes', 'invoices:see')).toMatchObject({ code: 1, stderr: 'mintgate: The identifier, or one of the scopes, belongs to another resource.\n' });
    expect(await cli('resources', 'delete', created['resource_id'])).toMatchObject({ code: 0 });
  });

});

describeOnOneDatabase('Keys, the audit log and the clean-up, beside a running server', (kind) => {
  const running = beside(kind);

  it('rotates and deletes signing keys; the server publishes the new ones within a second', async () => {
    const { cli, rest, driver } = running();
    const kids = async () => ((await driver.request('GET', '/.well-known/jwks.json')).body['keys'] as { kid: string }[]).map(({ kid }) => kid);
    const before = await kids();
    const rotated = (await cli('keys', 'rotate', '--json')).json<{ items: { kid: string; status: string }[] }>();
    expect(rotated).toEqual(await rest('/keys'));
    const next = rotated.items.find(({ status }) => status === 'next')!.kid;
    expect(before).not.toContain(next);
    await eventually(async () => expect(await kids()).toContain(next), WITHIN_A_SECOND);
    expect(await cli('keys', 'rotate')).toMatchObject({ code: 1, stderr: 'mintgate: The next key has not been published for long enough: others may still hold a JWKS without it.\n' });
    expect(await cli('keys', 'rotate', '--alg', 'PS256')).toMatchObject({ code: 1, stderr: 'mintgate: No key of that algorithm is in use.\n' });
    expect(await cli('keys', 'delete', next, '--yes')).toMatchObject({ code: 0, stdout: `Deleted: ${next}\n` });
    await eventually(async () => expect(await kids()).not.toContain(next), WITHIN_A_SECOND);
  });

  it('refuses to touch anything under a key that does not open the signing keys: 78', async () => {
    const { folder } = running();
    const outcome = await mintgate(['keys', 'rotate'], { folder, env: { KEY_ENCRYPTION_KEY: Buffer.alloc(32, 'x').toString('base64') } });
    expect(outcome).toMatchObject({ code: 78, stdout: '', stderr: 'mintgate: KEY_ENCRYPTION_KEY: does not open the signing keys in this database; start with the key that they were made under, or give it in KEY_ENCRYPTION_KEY_PREVIOUS\n' });
  });

  it('lists the audit log as REST does, and exports it as JSON lines, oldest first, which is audited too', async () => {
    const { cli, made, rest, audited } = running();
    await made('clients', 'create', 'watched');
    expect((await cli('audit', 'list', '--client-id', 'watched', '--json')).json()).toEqual(await rest('/audit-events?client_id=watched'));
    expect((await cli('audit', 'list', '--type', 'client.created', '--limit', '1')).stdout).toMatch(new RegExp(`^TIME .*\\n\\S+ +client\\.created +success +1 +${userInfo().username} +- +watched +-`));
    const lines = (await cli('audit', 'export', '--type', 'client.*')).stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual(((await rest('/audit-events?type=client.*'))['items'] as unknown[]).reverse());
    expect(await audited('audit.exported')).toMatchObject({ actor: { operator: userInfo().username } });
    expect((await cli('audit', 'export', '--type', 'client.*', '--after', String(lines.at(-1)!['event_id']))).stdout).toBe('');
    expect(await cli('audit', 'list', '--since', 'yesterday')).toMatchObject({ code: 1, stderr: 'mintgate: /since must be a time such as 2026-11-23T14:00:00Z\n' });
  });

  it('cleans up beside the server, and counts what waits', async () => {
    const { cli } = running();
    expect((await cli('cleanup', '--dry-run', '--json')).json<{ backlog: object }>().backlog).toHaveProperty('token_families');
    expect((await cli('cleanup', '--json')).json()).toEqual({ deleted: expect.any(Object) as object, backlog: expect.any(Object) as object });
    expect(await cli('cleanup')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Deleted: .+\nExpired, and not deleted yet: .+\n$/) as string, stderr: '' });
  });

  it('stops without a word when whoever reads has had enough', async () => {
    const { folder } = running();
    const outcome = await run('sh', ['-c', `"${process.execPath}" "${MINTGATE}" clients list --json | true; echo done`], { folder });
    expect([outcome.stdout, outcome.stderr]).toEqual(['done\n', '']);
  });
});
