// HAProxy in front of two instances of Mintgate and an API, until Ctrl-C. SIGHUP restarts the instances, one after the other.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AUDIENCE, programPath, Stage } from '../common/stage.mjs';
import { followKeys } from './jwks-to-pem.mjs';
import { startMariadb } from './mariadb.mjs';

const { DATABASE_URL, ACCESS_TOKEN_SIGNING_ALG = 'ES256', JWKS_POLL_SECONDS = '60' } = process.env;
const haproxy = programPath('haproxy');
const stage = new Stage('haproxy');
const settings = { DATABASE_URL: DATABASE_URL ?? (await startMariadb(stage)), ACCESS_TOKEN_SIGNING_ALG, SHUTDOWN_DRAIN_SECONDS: '3' };
const instances = [await stage.startMintgate(settings), await stage.startMintgate(settings)];
await stage.register();

/** From whichever instance answers. */
const follow = (reload) => instances.reduce((tried, url) => tried.catch(() => followKeys(`${url}/.well-known/jwks.json`, stage.folder, reload)), Promise.reject(new Error('no instance yet')));

await follow(() => {});
stage.write('gateway.pem', readFileSync(stage.certificate.certFile, 'utf8') + readFileSync(stage.certificate.keyFile, 'utf8'));
const [MINTGATE_1, MINTGATE_2] = instances.map((url) => new URL(url).host);
const files = ['-f', fileURLToPath(new URL('haproxy.cfg', import.meta.url)), '-f', 'keys.cfg'];
const gateway = stage.run('haproxy', haproxy, ['-W', '-db', '-C', stage.folder, ...files], { GATEWAY_PORT: String(stage.gatewayPort), ISSUER: stage.issuer, AUDIENCE, MINTGATE_1, MINTGATE_2, API: await stage.startApi() });

let restarting = false;
process.on('SIGHUP', async () => {
  if (restarting) return;
  restarting = true;
  for (const url of instances) await stage.restartMintgate(url);
  restarting = false;
  console.log('Both instances have been restarted.');
});

await stage.ready(`kill -HUP ${process.pid}   # restarts both instances, one after the other`);
for (;;) {
  await sleep(Number(JWKS_POLL_SECONDS) * 1000);
  await follow(() => {
    gateway.kill('SIGUSR2');
    console.log('The keys have changed: HAProxy has been told to reload.');
  }).catch((error) => console.error(error.message));
}
