// Caddy in front of Mintgate and an API, until Ctrl-C.
import { fileURLToPath } from 'node:url';
import { programPath, Stage } from '../common/stage.mjs';

const caddy = programPath('caddy');
const stage = new Stage('caddy');
const mintgate = await stage.startMintgate();
await stage.register();

stage.run('caddy', caddy, ['run', '--config', fileURLToPath(new URL('Caddyfile', import.meta.url)), '--adapter', 'caddyfile'], {
  HOME: stage.folder,
  STORAGE: stage.folder,
  GATEWAY_PORT: String(stage.gatewayPort),
  CERT_FILE: stage.certificate.certFile,
  KEY_FILE: stage.certificate.keyFile,
  MINTGATE: new URL(mintgate).host,
  API: await stage.startApi(),
});
await stage.ready();
