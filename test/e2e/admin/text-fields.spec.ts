import { Database } from '../../../src/database/database.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const ZWNJ = '\u200c';
const ZWJ = '\u200d';

/** Every text of the admin API that ends in a column of limited length, with that length. */
const TEXTS: [path: string, at: string, max: number, body: (text: string) => object][] = [
  ['/clients', '/client_name', 255, (text) => ({ client_name: text })],
  ['/users', '/username', 128, (text) => ({ username: text })],
  ['/users', '/name', 255, (text) => ({ username: `named-${Math.random()}`, name: text })],
  ['/users', '/nickname', 255, (text) => ({ username: `named-${Math.random()}`, nickname: text })],
  ['/users', '/address/formatted', 1000, (text) => ({ username: `named-${Math.random()}`, address: { formatted: text } })],
  ['/resources', '/name', 255, (text) => ({ identifier: `https://api.example.com/${Math.random()}`, name: text })],
];

describeOnEachDatabase('texts of the admin API', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  const post = (path: string, body: unknown) => server.driver.adminRequest('POST', path, body);

  describe.each(TEXTS)('%s%s', (path, at, max, bodyWith) => {
    it(`holds ${max} characters outside the basic plane, and comes back as it was given`, async () => {
      const text = '\u{20000}'.repeat(max);
      const answer = await post(path, bodyWith(text));
      expect(answer.status).toBe(201);
      const found = at.slice(1).split('/').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], answer.body);
      expect(found === text).toBe(true);
    });

    it(`is refused with ${max + 1} characters`, async () => {
      expectProblem(await post(path, bodyWith('a'.repeat(max + 1))), 400, at);
      expectProblem(await post(path, bodyWith('\u{20000}'.repeat(max + 1))), 400, at);
    });

    it('counts variation selectors like the column does', async () => {
      expectProblem(await post(path, bodyWith('a\ufe0f'.repeat(Math.floor(max / 2) + 1))), 400, at);
    });
  });

  describe('a username', () => {
    it.each([
      ['a variation selector', 'root\ufe0f'], ['a Hangul filler', 'root\u115f'], ['a combining grapheme joiner', 'root\u034f'], ['a Khmer inherent vowel', 'root\u17b4'],
      ['a zero width non-joiner', `ro${ZWNJ}ot`], ['a zero width joiner', `ro${ZWJ}ot`], ['a soft hyphen', 'ro\u00adot'], ['a zero width space', 'root\u200b'], ['a Mongolian variation selector', 'root\u180b'], ['a tag', 'root\u{e0072}'],
    ])('with %s is refused: it looks like another one', async (_, username) => {
      expectProblem(await post('/users', { username }), 400, '/username');
    });

    it('and an e-mail address with invisible characters are refused', async () => {
      expectProblem(await post('/users', { username: 'invisible-mail', email: 'ro\u115fot@example.com' }), 400, '/email');
    });

    it('that an earlier version allowed stays while other members change, and a new one follows the rules', async () => {
      const { userId } = await server.driver.registerUser({ username: `legacy-${kind}` });
      await server.get(Database).execute('UPDATE users SET username = ? WHERE user_id = ?', ['legacy\u115f', userId]);
      const patch = (body: object) => server.driver.adminRequest('PATCH', `/users/${userId}`, body);
      expect([(await patch({ enabled: false })).status, (await patch({ username: 'legacy\u115f\u115f' })).status]).toEqual([200, 400]);
    });
  });

  describe('a name for people', () => {
    it.each([
      ['Persian with a non-joiner', `نیک${ZWNJ}نام رضایی`], ['Sinhala with a joiner', `ශ්${ZWJ}රී`], ['Malayalam that ends with a joiner', `പ്രവീണ്${ZWJ}`], ['joined emoji', `team 👩${ZWJ}💻`], ['an emoji of both kinds', `❤\ufe0f${ZWJ}🔥`],
    ])('in %s is stored as it was given', async (_, name) => {
      const user = await post('/users', { username: `joined-${Math.random()}`, name, nickname: name });
      expect([user.status, user.body['name'], user.body['nickname']]).toEqual([201, name, name]);
      expect((await post('/clients', { client_name: name })).body['client_name']).toBe(name);
    });

    it.each([
      ['a right-to-left override', 'Alice\u202egnp.exe'], ['an isolate', 'a\u2066b'], ['NUL', 'a\0b'], ['a line break', 'a\nb'], ['a lone surrogate', 'a\ud83d'], ['a zero width space', 'a\u200bb'],
      ['joiners alone', ZWJ + ZWNJ], ['a Hangul filler alone', '\u3164'], ['a joiner at its start', `${ZWJ}a`], ['a joiner after a space', `a ${ZWJ}b`], ['a run of joiners', `a${ZWJ.repeat(3)}b`],
    ])('with %s is refused', async (_, name) => {
      expectProblem(await post('/users', { username: 'invisible', name }), 400, '/name');
      expectProblem(await post('/clients', { client_name: name }), 400, '/client_name');
    });
  });
});
