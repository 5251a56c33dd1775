import { en } from '../../src/pages/texts/en.js';
import { Browser, hiddenFields, type PageAnswer } from '../support/browser.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type HeldTransaction, holdNextStatement, holdNextTransaction } from '../support/held-transaction.js';
import { PASSWORD, type RegisteredUser } from '../support/oauth-driver.js';
import { TestServer } from '../support/test-server.js';

const NEW_PASSWORD = 'nine purple lanterns over the canal';
const OTHER_PASSWORD = 'four copper kettles on the balcony';
const SESSION = 'mintgate_session';
/** The next transaction is that of the next request. */
const NOTHING_BEHIND = { LAST_USED_FLUSH_SECONDS: '3600' };

describeOnEachDatabase('A change of the password and what ends the session', (kind) => {
  let server: TestServer;
  /** Another instance on the same database, at which the other change is made. */
  let sibling: TestServer;
  let user: RegisteredUser;
  let browser: Browser;
  let page: PageAnswer;
  let serial = 0;
  const holds: HeldTransaction[] = [];

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: NOTHING_BEHIND });
    const { database, issuer, clock } = server;
    sibling = await TestServer.start({ database, issuer, clock, env: NOTHING_BEHIND });
  });
  beforeEach(async () => {
    user = await server.driver.registerUser({ username: `user-${++serial}` });
    browser = new Browser(server.url, server.issuer);
    page = await browser.signIn(await browser.get('/account'), user);
  });
  afterEach(() => {
    for (const held of holds.splice(0)) held.release();
  });
  afterAll(async () => {
    await sibling.stop();
    await server.stop();
  });

  const hold = (held: HeldTransaction): HeldTransaction => {
    holds.push(held);
    return held;
  };
  const change = (currentPassword = PASSWORD) => {
    const passwords = { new_password: NEW_PASSWORD, new_password_repeat: NEW_PASSWORD };
    const fields = { ...hiddenFields(page.text), current_password: currentPassword, ...passwords };
    return browser.post('/account/password', fields);
  };
  const admin = async (method: string, path: string, body?: object) => {
    const answer = await sibling.driver.adminRequest(method, `/users/${user.userId}${path}`, body);
    expect([200, 204]).toContain(answer.status);
  };
  /** What one instance has done, the other one knows within a second. */
  const expectSignedOut = () =>
    eventually(async () => expect((await browser.get('/account')).text).not.toContain(en.account.sessions));
  const signsIn = async (password: string) => {
    const other = new Browser(sibling.url, sibling.issuer);
    return (await other.signIn(await other.get('/account'), { ...user, password })).text.includes(en.account.sessions);
  };
  /** Lets the password be verified, and stops before it is set. */
  async function verified(): Promise<{ answer: Promise<PageAnswer>; setting: HeldTransaction }> {
    const verification = hold(holdNextTransaction(server));
    const answer = change();
    await verification.reached;
    const setting = hold(holdNextTransaction(server));
    verification.release();
    await setting.reached;
    return { answer, setting };
  }

  it('"sign out everywhere" right after the change ends the session that the change begins', async () => {
    const setting = hold(holdNextTransaction(server, /UPDATE .*users.* SET .*password_hash/));
    const answer = change();
    await setting.reached;
    const reading = hold(holdNextTransaction(server, /SELECT .*FROM .?users/));
    setting.release();
    await Promise.race([reading.reached, answer]);
    await admin('DELETE', '/tokens');
    reading.release();
    expect((await answer).status).toBe(303);
    await expectSignedOut();
  });

  it.each<[string, () => Promise<void>, string]>([
    ['an admin set another password', () => admin('PUT', '/password', { password: OTHER_PASSWORD }), OTHER_PASSWORD],
    ['an admin signed the user out everywhere', () => admin('DELETE', '/tokens'), PASSWORD],
    ['an admin disabled the user and enabled them again', async () => {
      for (const enabled of [false, true]) await admin('PATCH', '', { enabled });
    }, PASSWORD],
  ])('after %s since the password was verified, it is not set', async (_, end, valid) => {
    const { answer, setting } = await verified();
    await end();
    setting.release();
    const { status, text } = await answer;
    expect(status).toBe(400);
    expect(text).toContain(en.account.passwordErrors.outdated);
    expect([await signsIn(NEW_PASSWORD), await signsIn(valid)]).toEqual([false, true]);
    await expectSignedOut();
  });

  it('a session that the user ends meanwhile does not come back with the new password', async () => {
    const { answer, setting } = await verified();
    const elsewhere = new Browser(sibling.url, sibling.issuer);
    elsewhere.setCookie(SESSION, browser.cookie(SESSION)!);
    const form = hiddenFields((await elsewhere.get('/account')).text);
    expect((await elsewhere.post('/account/logout', form)).status).toBe(200);
    setting.release();
    expect((await answer).status).toBe(303);
    await expectSignedOut();
    expect(await signsIn(NEW_PASSWORD)).toBe(true);
  });

  it('the password of another user, who has the username by now, proves nothing', async () => {
    const lookup = hold(holdNextStatement(server, /FROM users WHERE username_key/));
    const answer = change(OTHER_PASSWORD);
    await lookup.reached;
    await admin('PATCH', '', { username: `renamed-${serial}` });
    await sibling.driver.registerUser({ username: user.username, password: OTHER_PASSWORD });
    lookup.release();
    const { status, text } = await answer;
    expect(status).toBe(400);
    expect(text).toContain(en.account.passwordErrors.wrong);
    user = { ...user, username: `renamed-${serial}` };
    expect([await signsIn(NEW_PASSWORD), await signsIn(PASSWORD)]).toEqual([false, true]);
  });
});
