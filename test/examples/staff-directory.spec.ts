import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Browser, type PageAnswer } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/mariadb.js';
import { OAuthDriver } from '../support/oauth-driver.js';
import { SpawnedServer } from '../support/spawned-server.js';

const EXAMPLE = resolve(__dirname, '../../examples/staff-directory');
const ADMIN = { clientId: 'test-admin', clientSecret: 'test-admin-secret-0123456789abcdef' };
const EVERY_SCOPE = { scope: 'directory:read directory:write' };
const MAX_LIFE_MS = 60_000;

describe('The staff directory of examples/, as its README runs it', () => {
  let server: SpawnedServer;
  let driver: OAuthDriver;
  let api: string;
  let website: string;
  let directory: ChildProcess | undefined;
  let output = '';
  let passwords: Record<string, string>;
  let credentials: typeof ADMIN;

  beforeAll(async () => {
    [api, website] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
    server = await SpawnedServer.start({ env: { BOOTSTRAP_CLIENT_ID: ADMIN.clientId, BOOTSTRAP_CLIENT_SECRET: ADMIN.clientSecret, SHUTDOWN_DRAIN_SECONDS: '0' } });
    await server.ready();
    driver = new OAuthDriver(server.url, ADMIN);
    const data = join(server.folder, 'staff-directory');
    const setup = run('setup.mjs', { DATA_FOLDER: data, ISSUER: server.url, API_URL: api, WEBSITE_URL: website, ADMIN_CLIENT_ID: ADMIN.clientId, ADMIN_CLIENT_SECRET: ADMIN.clientSecret });
    const [code] = (await once(setup, 'close')) as [number];
    if (code !== 0) throw new Error(output);
    passwords = Object.fromEntries([...output.matchAll(/^([a-z]+) +(\S{15,})/gm)].map(([, username, password]) => [username, password]));
    const { client_id: clientId, client_secret: clientSecret } = JSON.parse(readFileSync(join(data, 'website.json'), 'utf8')) as Record<string, string>;
    credentials = { clientId: clientId, clientSecret: clientSecret };
    directory = run('run.mjs', { DATA_FOLDER: data });
    await eventually(() => Promise.all([fetch(api), fetch(website)]), { withinMs: 15_000 });
  });
  afterAll(async () => {
    directory?.kill();
    if (directory) await once(directory, 'close');
    await server.dispose();
  });

  function run(program: string, env: Record<string, string>): ChildProcess {
    const child = spawn(process.execPath, [join(EXAMPLE, program)], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: MAX_LIFE_MS });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return child;
  }

  const ask = async (method: string, path: string, token?: string, changes?: Record<string, string>) => {
    const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(changes ? { 'content-type': 'application/json' } : {}) };
    const answer = await fetch(api + path, { method, headers, ...(changes ? { body: JSON.stringify(changes) } : {}) });
    return { status: answer.status, challenge: answer.headers.get('www-authenticate'), body: (await answer.json()) as Record<string, string> };
  };
  const entry = async (id: string) => (await ask('GET', `/members/${id}`, await driver.accessToken(credentials, EVERY_SCOPE))).body;

  /** A person with one browser, which talks to the website and to Mintgate. */
  const person = () => ({ site: new Browser(website), mintgate: new Browser(server.url) });
  type Person = ReturnType<typeof person>;

  async function signIn({ site, mintgate }: Person, username: string): Promise<PageAnswer> {
    const end = await mintgate.authorize((await site.get('/sign-in')).location!.href, { username, password: passwords[username] });
    return site.follow(await site.get(end.location!.href));
  }

  async function signedIn(username: string): Promise<Person> {
    const somebody = person();
    expect((await signIn(somebody, username)).text).toContain('Sign out');
    return somebody;
  }

  const saveEntry = async ({ site }: Person, id: string, about: string) => site.submit(await site.get(`/members/${id}/edit`), { about }, `/members/${id}`);

  describe('the API (RFC 6750 §3, RFC 9068 §4)', () => {
    it('answers 401 without a token, and names no error', async () => {
      for (const answer of [await ask('GET', '/members'), await ask('GET', '/members/grace'), await ask('PATCH', '/members/grace', undefined, { about: 'x' })]) {
        expect(answer).toMatchObject({ status: 401, challenge: 'Bearer realm="https://directory.example.edu"' });
      }
    });

    it('answers 401 to what is no access token, and to one for another audience', async () => {
      for (const token of ['mg_at_nothing', await driver.accessToken(ADMIN)]) {
        const answer = await ask('GET', '/members', token);
        expect(answer.status).toBe(401);
        expect(answer.challenge).toContain('error="invalid_token"');
      }
    });

    it("lets the website's own token read", async () => {
      const token = await driver.accessToken(credentials);
      expect((await ask('GET', '/members', token)).body).toHaveLength(3);
      expect(await ask('GET', '/members/grace', token)).toMatchObject({ status: 200, body: { name: 'Grace Hopper' } });
    });

    it("answers 403 to the website's own token that is to write, without the scope and with it", async () => {
      const reading = await ask('PATCH', '/members/grace', await driver.accessToken(credentials), { about: 'by the website' });
      expect([reading.status, reading.challenge]).toEqual([403, expect.stringContaining('error="insufficient_scope"') as string]);
      expect(reading.challenge).toContain('scope="directory:write"');
      const writing = await ask('PATCH', '/members/grace', await driver.accessToken(credentials, EVERY_SCOPE), { about: 'by the website' });
      expect(writing).toMatchObject({ status: 403, body: { error_description: 'Only a member may change an entry, not an application by itself.' } });
      expect((await entry('grace'))['about']).toBe('');
    });
  });

  describe('the website', () => {
    it('shows everybody to everybody, with its own token', async () => {
      const { site } = person();
      const [list, page] = [await site.get('/'), await site.get('/members/margaret')];
      expect([list.status, page.status]).toEqual([200, 200]);
      expect(list.text).toContain('Dorothy Vaughan');
      expect(page.text).toContain('Margaret Hamilton');
      expect(page.text).not.toContain('Edit');
    });

    it('lets a member change her own entry, and escapes what she writes', async () => {
      const margaret = await signedIn('margaret');
      const page = await saveEntry(margaret, 'margaret', '<b>Apollo</b> & "more"');
      expect(page.status).toBe(200);
      expect(page.text).toContain('&lt;b&gt;Apollo&lt;/b&gt; &amp; &quot;more&quot;');
      expect((await entry('margaret'))['about']).toBe('<b>Apollo</b> & "more"');
    });

    it("answers 403 with what the API says when a member changes another's entry", async () => {
      const page = await saveEntry(await signedIn('margaret'), 'grace', 'by margaret');
      expect(page.status).toBe(403);
      expect(page.text).toContain('A member may change her own entry only.');
      expect((await entry('grace'))['about']).toBe('');
    });

    it('answers 403 to a user without the role that writing needs', async () => {
      const page = await saveEntry(await signedIn('dorothy'), 'dorothy', 'still here');
      expect(page.status).toBe(403);
      expect(page.text).toContain('This needs the scope directory:write.');
    });

    it('sends a visitor who wants to edit to sign in', async () => {
      expect((await person().site.get('/members/margaret/edit')).location?.pathname).toBe('/sign-in');
    });

    it('answers 403 to a form without its CSRF token, and changes nothing', async () => {
      const { site } = await signedIn('grace');
      for (const token of ['', 'x'.repeat(43), 'ü'.repeat(43)]) {
        expect((await site.post('/members/grace', { about: 'forged', csrf_token: token })).status).toBe(403);
        expect((await site.post('/sign-out', { csrf_token: token })).status).toBe(403);
      }
      expect((await entry('grace'))['about']).toBe('');
      expect((await site.get('/')).text).toContain('Sign out');
    });

    it('takes no answer that it did not ask for in this browser', async () => {
      const { site } = person();
      expect((await site.get('/callback?code=x&state=y')).status).toBe(400);
      await site.get('/sign-in');
      expect((await site.get(`/callback?code=x&state=y&iss=${encodeURIComponent(server.url)}`)).status).toBe(400);
      expect((await site.get('/')).text).toContain('Sign in');
    });

    it('says so when she goes back from the login page', async () => {
      const { site, mintgate } = person();
      const login = await mintgate.follow(await mintgate.get((await site.get('/sign-in')).location!.href));
      const page = await site.get((await mintgate.submit(login, { decision: 'cancel' })).location!.href);
      expect(page.status).toBe(403);
      expect(page.text).toContain('You did not sign in.');
    });

    it('signs her out, of Mintgate too', async () => {
      const { site, mintgate } = await signedIn('margaret');
      const left = await site.submit(await site.get('/'), {});
      const back = await mintgate.follow(await mintgate.get(left.location!.href));
      expect(back.location?.href).toBe(`${website}/`);
      expect((await site.get('/')).text).toContain('Sign in');
      expect((await mintgate.follow(await mintgate.get((await site.get('/sign-in')).location!.href))).text).toContain('name="password"');
    });

    it('renews her token, until she was signed out everywhere: then she has to sign in again', async () => {
      // Shorter than the margin of the website: every use is preceded by a refresh.
      await driver.adminRequest('PATCH', `/clients/${credentials.clientId}`, { access_token_lifetime: 10 });
      const grace = await signedIn('grace');
      expect((await saveEntry(grace, 'grace', 'compilers')).status).toBe(200);
      await driver.adminRequest('DELETE', `/users/${(await entry('grace'))['sub']}/sessions`);
      expect((await grace.site.get('/members/grace/edit')).location?.pathname).toBe('/sign-in');
    });
  });
});
