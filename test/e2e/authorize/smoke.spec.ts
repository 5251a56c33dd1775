import { Browser, newPkce } from '../../support/browser.js';
import { decodeJwt } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';
import { describeOnEachDatabase } from '../../support/databases.js';

describeOnEachDatabase('smoke', (kind) => {
  it('works', async () => {
    const server = await TestServer.start({ kind });
    try {
      const user = await server.driver.registerUser({ username: 'margaret' });
      const client = await server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['https://app.example/cb'], scope: 'openid offline_access api' });
      const browser = new Browser(server.url);
      const { verifier, challenge } = newPkce();
      const query = new URLSearchParams({ response_type: 'code', client_id: client.clientId, redirect_uri: 'https://app.example/cb', scope: 'openid offline_access api', state: 's', nonce: 'n', code_challenge: challenge, code_challenge_method: 'S256' });
      const end = await browser.authorize(`/oauth/authorize?${query}`, user);
      console.log(end.status, end.location?.href, end.text.slice(0, 500), server.logLines.slice(-3));
      const code = end.location!.searchParams.get('code')!;
      const answer = await server.driver.token(client, { grant_type: 'authorization_code', code, redirect_uri: 'https://app.example/cb', code_verifier: verifier });
      console.log(answer.status, answer.body, answer.body['id_token'] && decodeJwt(answer.body['id_token'] as string), server.logLines.slice(-2));
      const refreshed = await server.driver.refresh(client, answer.body['refresh_token'] as string);
      console.log(refreshed.status, decodeJwt(refreshed.body['id_token'] as string));
      const again = await server.driver.token(client, { grant_type: 'authorization_code', code, redirect_uri: 'https://app.example/cb', code_verifier: verifier });
      console.log(again.status, again.body, (await server.driver.introspect(client, refreshed.body['access_token'] as string)).body);
    } finally {
      await server.stop();
    }
  });
});
