// nginx in front of Mintgate and an API, until Ctrl-C.
import { readFileSync } from 'node:fs';
import { programPath, Stage } from '../common/stage.mjs';

const nginx = programPath('nginx');
const stage = new Stage('nginx');
const mintgate = await stage.startMintgate();
await stage.register();

const ours = { '127.0.0.1:3000': new URL(mintgate).host, '127.0.0.1:4001': await stage.startApi(), '127.0.0.1:8443': `127.0.0.1:${stage.gatewayPort}` };
for (const name of ['nginx.conf', 'forwarded.conf', 'identity.conf']) {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8');
  stage.write(name, text.replace(/127\.0\.0\.1:\d+/g, (address) => ours[address]));
}
// Started by root, its workers would be another user's, and the folder is root's alone.
const user = process.getuid() === 0 ? 'user root;' : '';
stage.run('nginx', nginx, ['-p', stage.folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', `daemon off; ${user}`]);
await stage.ready();
