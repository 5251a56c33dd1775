import { CLAIMS_BY_SCOPE, SUPPORTED_CLAIMS, userClaims } from '../../../src/users/user-claims.js';
import { UsersRepository } from '../../../src/users/users.repository.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import type { Answer } from '../../support/oauth-driver.js';
import { expectProblem, pointersOf } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

type User = Record<string, unknown> & { user_id: string };

const ADDRESS = { formatted: '1 Main Street\r\nSpringfield, MA 01101\nUSA', street_address: '1 Main Street\nBack door', locality: 'Springfield', region: 'MA', postal_code: '01101', country: 'USA' };
const CLAIMS = {
  given_name: 'Margaret', family_name: 'Hamilton', middle_name: 'Elaine', nickname: 'Mäggie 🚀', profile: 'https://people.example.com/margaret?a=b#c', picture: 'HTTPS://people.example.com/m.jpg', website: 'http://margaret.example',
  gender: 'female', birthdate: '1936-08-17', zoneinfo: 'America/New_York', locale: 'en-US', phone_number: '+14255551212', phone_number_verified: true, address: ADDRESS,
};

describeOnOneDatabase('the standard claims of a user', (kind) => {
  let server: TestServer;
  let serial = 0;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  const fresh = () => `user-${++serial}`;
  const create = (body: Record<string, unknown>) => server.driver.adminRequest<User>('POST', '/users', { username: fresh(), ...body });
  const get = (userId: string) => server.driver.adminRequest<User>('GET', `/users/${userId}`);
  const patch = (userId: string, body: unknown) => server.driver.adminRequest<User>('PATCH', `/users/${userId}`, body, { headers: { 'content-type': 'application/merge-patch+json' } });
  const made = async (body: Record<string, unknown> = CLAIMS) => (await create(body)).body;

  /** The names of what the last change of a user changed, by the audit log. */
  async function lastChanged(userId: string): Promise<unknown> {
    const { items } = (await server.driver.adminRequest<{ items: { detail: Record<string, unknown> }[] }>('GET', `/audit-events?type=user.updated&user_id=${userId}&limit=1`)).body;
    return items[0]?.detail['changed'];
  }

  const claimsIn = (answer: Answer<User>) => Object.fromEntries(Object.entries(answer.body).filter(([name]) => name in CLAIMS));

  describe('OIDC Core §5.1 they', () => {
    it('are kept whole, and shown to admins', async () => {
      const answer = await create(CLAIMS);
      expect([answer.status, claimsIn(answer)]).toEqual([201, CLAIMS]);
      expect((await get(answer.body.user_id)).body).toEqual(answer.body);
    });

    it.each<[string, Record<string, unknown>]>([
      ['left out', {}],
      ['null', Object.fromEntries(Object.keys(CLAIMS).map((name) => [name, null]))],
      ['an address of nothing', { address: {} }],
      ['an address of nulls', { address: { locality: null, country: null } }],
      ['a phone number that is not there and not verified', { phone_number_verified: false }],
    ])('are absent when they are not set: %s', async (_, body) => {
      const answer = await create(body);
      expect([answer.status, claimsIn(answer)]).toEqual([201, {}]);
      expect(claimsIn(await get(answer.body.user_id))).toEqual({});
    });

    it.each<[string, unknown]>([
      ['birthdate', '0000-08-17'], ['birthdate', '1936'], ['birthdate', '2024-02-29'], ['birthdate', '0000-02-29'], ['zoneinfo', 'UTC'], ['zoneinfo', 'Europe/Paris'], ['zoneinfo', 'America/Port-au-Prince'], ['zoneinfo', 'Etc/GMT+1'],
      ['zoneinfo', 'America/Argentina/Buenos_Aires'], ['zoneinfo', 'Asia/Kolkata'], ['locale', 'de'], ['locale', 'zh-Hant-TW'], ['locale', 'sr-Latn-RS'], ['locale', 'de-CH-1996'], ['phone_number', '+441632960960'], ['phone_number', `+${'1'.repeat(15)}`],
      ['website', 'https://xn--bcher-kva.example:8443/%C3%A4'], ['website', `https://margaret.example/${'x'.repeat(1975)}`], ['gender', 'x'], ['given_name', 'ß'.repeat(255)], ['address', { formatted: 'ä\n'.repeat(500) }],
    ])('%s may be %j', async (name, value) => {
      const answer = await create({ [name]: value });
      expect(answer.body).toMatchObject({ [name]: value });
    });

    it.each<[string, unknown, string?]>([
      ['given_name', ''], ['given_name', 7], ['given_name', ['Margaret']], ['given_name', { text: 'Margaret' }], ['given_name', 'a\nb'], ['given_name', 'x'.repeat(256)], ['family_name', 'a\u202eb'], ['middle_name', 'a\u0000'], ['nickname', '\u2028'],
      ['gender', ''], ['gender', true],
      ['profile', ''], ['profile', 'margaret'], ['profile', '//people.example.com/margaret'], ['profile', 'javascript:alert(1)'], ['picture', 'data:image/png;base64,AAAA'], ['picture', 'ftp://people.example.com/m.jpg'], ['picture', 'https://'],
      ['website', 'https://user@margaret.example'], ['website', 'https://user:pass@margaret.example'], ['website', 'https://margaret.example/a b'], ['website', ' https://margaret.example'], ['website', 'https://margaret.example\n'], ['website', 'https://b\u00fccher.example'],
      ['website', 'https:margaret.example'], ['website', 'https://margaret.example:99999'], ['website', `https://margaret.example/${'x'.repeat(2000)}`],
      ['birthdate', ''], ['birthdate', '1936-8-17'], ['birthdate', '17.08.1936'], ['birthdate', '1936-02-30'], ['birthdate', '2023-02-29'], ['birthdate', '1936-13-01'], ['birthdate', '1936-00-10'], ['birthdate', '1936-08'], ['birthdate', '0000'],
      ['birthdate', '36'], ['birthdate', '1936-08-17T00:00:00Z'], ['birthdate', 1936], ['birthdate', '\u0661\u0669\u0663\u0666'],
      ['zoneinfo', ''], ['zoneinfo', 'Mars/Olympus'], ['zoneinfo', '+01:00'], ['zoneinfo', 'europe/paris'], ['zoneinfo', '../Europe/Paris'], ['zoneinfo', 'Europe/Paris '], ['zoneinfo', 'CEST'],
      ['locale', ''], ['locale', 'en_US'], ['locale', 'english!'], ['locale', 'e'], ['locale', 'en-'], ['locale', 'en US'], ['locale', '*'],
      ['phone_number', ''], ['phone_number', '4255551212'], ['phone_number', '+1 (425) 555-1212'], ['phone_number', '+04255551212'], ['phone_number', '+1425555121234567'], ['phone_number', '+1425x'], ['phone_number', 14255551212], ['phone_number', 'tel:+14255551212'],
      ['phone_number_verified', true], ['phone_number_verified', 'true'], ['phone_number_verified', 1],
      ['address', 'Springfield'], ['address', [ADDRESS]], ['address', []], ['address', 7],
      ['address', { planet: 'Mars' }, '/address/planet'], ['address', { toString: 'x' }, '/address/toString'], ['address', { locality: '' }, '/address/locality'], ['address', { locality: 7 }, '/address/locality'], ['address', { locality: 'a\nb' }, '/address/locality'],
      ['address', { country: 'x'.repeat(256) }, '/address/country'], ['address', { formatted: 'x'.repeat(1001) }, '/address/formatted'], ['address', { formatted: 'a\tb' }, '/address/formatted'], ['address', { street_address: 'a\rb' }, '/address/street_address'],
      ['address', { street_address: ['a'] }, '/address/street_address'],
    ])('%s may not be %j: 400 that points at it', async (name, value, pointer = `/${name}`) => {
      const answer = await create({ [name]: value });
      expectProblem(answer, 400);
      expect(pointersOf(answer)).toEqual([pointer]);
    });

    it('a refusal says everything that is wrong, and nothing of what was sent', async () => {
      const answer = await create({ zoneinfo: 'Mars/Olympus', locale: 'klingon_KX', phone_number_verified: true });
      expectProblem(answer, 400);
      expect(pointersOf(answer).sort()).toEqual(['/locale', '/phone_number_verified', '/zoneinfo']);
      expect(answer.text).not.toMatch(/Olympus|klingon/);
    });
  });

  describe('RFC 7396 in a merge patch', () => {
    it('those that are named change, null takes one away, the others stay, and the audit log names them', async () => {
      const { user_id: id } = await made();
      const rest = Object.fromEntries(Object.entries(CLAIMS).filter(([name]) => name !== 'nickname' && name !== 'gender'));
      expect(claimsIn(await patch(id, { given_name: 'Peggy', nickname: null, gender: null }))).toEqual({ ...rest, given_name: 'Peggy' });
      expect(await lastChanged(id)).toEqual(expect.arrayContaining(['given_name', 'nickname', 'gender']));
      expect(await lastChanged(id)).toHaveLength(3);
    });

    it('the address is merged member by member, and is gone with its last one', async () => {
      const { user_id: id } = await made({ address: { locality: 'Springfield', country: 'USA' } });
      expect((await patch(id, { address: { country: null, region: 'MA' } })).body['address']).toEqual({ locality: 'Springfield', region: 'MA' });
      expect(await lastChanged(id)).toEqual(['address']);
      expect(await patch(id, { address: { locality: null, region: null } })).toMatchObject({ status: 200, body: { user_id: id } });
      expect((await get(id)).body).not.toHaveProperty('address');
      expect((await patch(id, { address: { country: 'USA' } })).body['address']).toEqual({ country: 'USA' });
      expect((await patch(id, { address: null })).body).not.toHaveProperty('address');
    });

    it.each<[unknown, string]>([
      [{ address: { planet: 'Mars' } }, '/address/planet'], [{ address: { planet: null } }, '/address/planet'], [{ address: 'x' }, '/address'], [{ address: [] }, '/address'], [{ zoneinfo: 'x' }, '/zoneinfo'], [{ claims: {} }, '/claims'], [{ preferred_username: 'x' }, '/preferred_username'],
      ['{"address":{"__proto__":{"locality":"x"}}}', '/address/__proto__'],
    ])('%j is 400 and changes nothing', async (body, pointer) => {
      const was = await made();
      const answer = await patch(was.user_id, body);
      expectProblem(answer, 400);
      expect(pointersOf(answer)).toEqual([pointer]);
      expect((await get(was.user_id)).body).toEqual(was);
    });

    it('another phone number is not verified because the one before it was; the same one stays so', async () => {
      const { user_id: id } = await made();
      expect((await patch(id, { phone_number: CLAIMS.phone_number })).body['phone_number_verified']).toBe(true);
      expect((await patch(id, { phone_number: '+441632960960' })).body['phone_number_verified']).toBe(false);
      expect((await patch(id, { phone_number: '+441632960961', phone_number_verified: true })).body['phone_number_verified']).toBe(true);
      expect(claimsIn(await patch(id, { phone_number: null }))).not.toHaveProperty('phone_number_verified');
      expectProblem(await patch(id, { phone_number_verified: true }), 400, '/phone_number_verified');
    });

    it('what was read may be sent back whole, in any order: nothing changes', async () => {
      const { user_id: id } = await made();
      const read = await get(id);
      const backwards = (value: Record<string, unknown>) => Object.fromEntries(Object.entries(value).reverse());
      for (const body of [read.body, { ...backwards(read.body), address: backwards(ADDRESS) }]) {
        const answer = await patch(id, body);
        expect([answer.status, answer.body, answer.headers.get('etag')]).toEqual([200, read.body, read.headers.get('etag')]);
      }
    });
  });

  describe('OIDC Core §5.4 given by name', () => {
    const entity = async (body: Record<string, unknown>) => (await server.get(UsersRepository).find((await made(body)).user_id))!;

    it('they are what was set; the username, the time of the last change in seconds and roles among them', async () => {
      const user = await entity({ ...CLAIMS, username: 'margaret', name: 'Margaret Hamilton', email: 'margaret@example.com', email_verified: true, roles: ['accountant'] });
      expect(userClaims(user, SUPPORTED_CLAIMS)).toEqual({
        ...CLAIMS, preferred_username: 'margaret', name: 'Margaret Hamilton', email: 'margaret@example.com', email_verified: true, updated_at: Math.floor(server.clock.nowMs() / 1000), roles: ['accountant'],
      });
    });

    it.each<[string, string[]]>([
      ['profile', ['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture', 'website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at']],
      ['email', ['email', 'email_verified']],
      ['address', ['address']],
      ['phone', ['phone_number', 'phone_number_verified']],
    ])('the scope %s asks for these and no others', async (scope, names) => {
      const user = await entity({ ...CLAIMS, name: 'Margaret Hamilton', email: `${fresh()}@example.com` });
      expect(Object.keys(userClaims(user, CLAIMS_BY_SCOPE.get(scope)!)).sort()).toEqual([...names].sort());
    });

    it('those that she does not have are left out: verified without what was verified, empty roles', async () => {
      expect(Object.keys(userClaims(await entity({}), SUPPORTED_CLAIMS)).sort()).toEqual(['preferred_username', 'updated_at']);
    });

    it.each(['sub', 'password_hash', 'passwordHash', 'token_generation', 'user_id', 'claims', 'constructor', '__proto__', 'toString', ''])('%j gives nothing', async (name) => {
      expect(userClaims(await entity(CLAIMS), [name])).toEqual({});
    });
  });
});
