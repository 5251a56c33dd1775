import { describeOnEachDatabase } from '../../support/databases.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

interface Page {
  items: Record<string, unknown>[];
  next_cursor: string | null;
}

const query = (parameters: Record<string, string>) => `?${new URLSearchParams(parameters).toString()}`;

describeOnEachDatabase('listing clients', (kind) => {
  let server: TestServer;
  const made = Array.from({ length: 25 }, (_, i) => `walk-${String(i).padStart(2, '0')}`);

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    for (const clientId of made) await server.driver.registerClient({ client_id: clientId });
  });
  afterAll(() => server.stop());

  const list = (parameters: Record<string, string> = {}) => server.driver.adminRequest<Page>('GET', `/clients${query(parameters)}`);
  const ids = async (parameters: Record<string, string>) => (await list(parameters)).body.items.map((item) => item['client_id']);

  it('shows the newest first, each as it is shown alone', async () => {
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body.items.map((item) => item['client_id'])).toEqual([...[...made].reverse(), 'test-admin']);
    expect(body.next_cursor).toBeNull();
    expect(body.items[0]).toEqual((await server.driver.adminRequest('GET', `/clients/${made.at(-1)!}`)).body);
  });

  it('a walk by pages sees every client once, in order, while new ones are added', async () => {
    const seen: unknown[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const { status, body } = await list({ q: 'walk-', limit: '4', ...(cursor === null ? {} : { cursor }) });
      expect(status).toBe(200);
      seen.push(...body.items.map((item) => item['client_id']));
      cursor = body.next_cursor;
      await server.driver.registerClient({ client_id: `walk-late-${++pages}` });
    } while (cursor !== null && pages < 20);
    expect(seen).toEqual([...made].reverse());
    expect(pages).toBe(7);
  });

  it('a walk goes on where the last row that was seen has been deleted', async () => {
    const { body } = await list({ q: 'walk-1', limit: '2' });
    const last = body.items.at(-1)!['client_id'] as string;
    const rest = await ids({ q: 'walk-1', limit: '200', cursor: body.next_cursor! });
    await server.driver.adminRequest('DELETE', `/clients/${last}`);
    expect(await ids({ q: 'walk-1', limit: '200', cursor: body.next_cursor! })).toEqual(rest);
    await server.driver.registerClient({ client_id: last });
  });

  it('a page that holds exactly what is left has no next one', async () => {
    const all = await ids({ q: 'walk-0' });
    expect((await list({ q: 'walk-0', limit: String(all.length) })).body.next_cursor).toBeNull();
    expect((await list({ q: 'walk-0', limit: String(all.length - 1) })).body.next_cursor).not.toBeNull();
  });

  it.each(['1', '200'])('limit %s is taken', async (limit) => {
    expect((await list({ limit })).status).toBe(200);
  });

  it.each(['0', '-1', '201', '1e9', '1e2', '999999999999', 'NaN', 'Infinity', '', ' 5', '5 ', '5.0', '+5', '0x10', 'id,(select sleep(5))'])('limit %j is 400', async (limit) => {
    expectProblem(await list({ limit }), 400, '/limit');
  });

  it.each(['sort', 'order', 'offset', 'page', 'access_token', 'client_id', 'limit[]', 'Limit', '__proto__', 'constructor'])('the unknown query parameter %s is 400', async (name) => {
    expectProblem(await list({ [name]: '1' }), 400, `/${name}`);
  });

  it.each(['limit', 'q', 'enabled', 'cursor', 'grant_type'])('%s given twice is 400', async (name) => {
    expectProblem(await server.driver.adminRequest('GET', `/clients?${name}=1&${name}=1`), 400, `/${name}`);
  });

  describe('cursors are signed and bound to their list', () => {
    let cursor: string;

    beforeAll(async () => {
      cursor = (await list({ limit: '2' })).body.next_cursor!;
    });

    it('one works for its own list', async () => {
      expect((await list({ limit: '3', cursor })).status).toBe(200);
    });

    it.each<[string, (cursor: string) => string]>([
      ['another row', (own) => `9${own}`],
      ['another signature', (own) => `${own.slice(0, -2)}${own.endsWith('AA') ? 'BB' : 'AA'}`],
      ['no signature', (own) => own.split('.')[0]],
      ['an empty one', () => ''],
      ['a number', () => '17'],
      ['SQL', () => "1 OR 1=1--"],
      ['JSON', () => Buffer.from('{"id":1}').toString('base64url')],
      ['a NUL', (own) => `${own}\u0000`],
      ['400 characters', () => 'a'.repeat(400)],
    ])('%s is 400', async (_, change) => {
      expectProblem(await list({ cursor: change(cursor) }), 400);
    });

    it.each<Record<string, string>>([{ q: 'walk' }, { enabled: 'true' }, { grant_type: 'client_credentials' }])('with another filter it is 400: %j', async (filter) => {
      expectProblem(await list({ ...filter, cursor }), 400);
    });

    it.each(['/resources', '/audit-events'])('on %s it is 400', async (path) => {
      expectProblem(await server.driver.adminRequest('GET', `${path}${query({ cursor })}`), 400);
    });

    it('one of another server is 400', async () => {
      const other = await TestServer.start({ env: { KEY_ENCRYPTION_KEY: Buffer.alloc(32, 9).toString('base64') } });
      try {
        for (const id of ['a', 'b', 'c']) await other.driver.registerClient({ client_id: id });
        const foreign = (await other.driver.adminRequest<Page>('GET', '/clients?limit=1')).body.next_cursor!;
        expectProblem(await list({ cursor: foreign }), 400);
      } finally {
        await other.stop();
      }
    });
  });

  describe('filters', () => {
    beforeAll(async () => {
      await server.driver.registerClient({ client_id: 'f-percent', client_name: 'Rebate 50%_off!' });
      await server.driver.registerClient({ client_id: 'f-plain', client_name: 'Rebate 50 and off' });
      await server.driver.registerClient({ client_id: 'f-quote', client_name: `O'Brien "quoted" \\ back` });
      await server.driver.registerClient({ client_id: 'f-umlaut', client_name: 'Ökonomie ÉCOLE' });
      await server.driver.registerClient({ client_id: 'f-off', enabled: false });
      await server.driver.registerClient({ client_id: 'f-web', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['https://a.example/'] });
    });

    it.each<[string, string[]]>([
      ['f-per', ['f-percent']], ['F-PERCENT', ['f-percent']], ['rebate', ['f-plain', 'f-percent']], ['REBATE 50%', ['f-percent']], ['%_off', ['f-percent']], ['off!', ['f-percent']],
      ['f_percent', []], ['f%percent', []], ["o'brien", ['f-quote']], ['"quoted"', ['f-quote']], ['\\', ['f-quote']], ['\\ back', ['f-quote']], ['nothing-like-it', []],
    ])('q=%s is taken literally, in any case', async (q, expected) => {
      expect(await ids({ q })).toEqual(expected);
    });

    it.each(['Ökonomie ÉCOLE', 'ÉCOLE', 'Ökonomie', 'konomie'])('q=%s finds a name beyond ASCII', async (q) => {
      expect(await ids({ q })).toEqual(['f-umlaut']);
    });

    it.each(["' OR '1'='1", "'; DROP TABLE clients; --", "' UNION SELECT digest FROM client_secrets --", '${7*7}', '$(id)', ':q', '?'])('q=%s finds nothing and breaks nothing', async (q) => {
      expect(await ids({ q })).toEqual([]);
      expect((await list()).status).toBe(200);
    });

    it.each(['a\u0000b', 'x'.repeat(501)])('q=%j is 400', async (q) => {
      expectProblem(await list({ q }), 400, '/q');
    });

    it('enabled', async () => {
      expect(await ids({ q: 'f-', enabled: 'false' })).toEqual(['f-off']);
      expect(await ids({ q: 'f-', enabled: 'true' })).not.toContain('f-off');
    });

    it.each(['1', 'TRUE', 'yes', ''])('enabled=%j is 400', async (enabled) => {
      expectProblem(await list({ enabled }), 400, '/enabled');
    });

    it('grant_type, whole names only', async () => {
      expect(await ids({ grant_type: 'authorization_code' })).toEqual(['f-web']);
      expect(await ids({ q: 'f-', grant_type: 'client_credentials' })).not.toContain('f-web');
      for (const grant_type of ['authorization', 'code', '%', '_', 'client_credentials"', '","']) expect([grant_type, await ids({ grant_type })]).toEqual([grant_type, []]);
    });
  });
});
