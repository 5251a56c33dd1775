// Keeps the public keys of a JWKS (RFC 7517) as HAProxy 2.6 takes them. It reads key files when it starts and at no other time, and only those that a rule of its
// configuration names; which of them a token needs, its `alg` and `kid` say. So in <folder> this writes
//
//   keys/<kid>.pem   the key
//   keys.map         "<alg>/<kid> keys/<kid>.pem" for each: what is not here, no token can choose
//   keys.cfg         a second configuration file with a rule for each key, which no request ever comes to
//
//   node jwks-to-pem.mjs <url of the JWKS> <folder> [<command that reloads HAProxy>...]
//
// Run it before HAProxy starts, and then by a timer, every minute or so. The command is run when the keys have changed, and again next time if it failed.
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What HAProxy 2.6 verifies, of what Mintgate signs with. */
const ALGORITHMS = { ES256: (key) => key.asymmetricKeyDetails.namedCurve === 'prime256v1', RS256: (key) => key.asymmetricKeyType === 'rsa' };

/**
 * Throws, and leaves everything as it is, when the JWKS cannot be had or holds no key for HAProxy.
 * @param reload is called when there are other keys than those that it was last called for
 */
export async function followKeys(url, folder, reload) {
  const keys = usableKeys(await fetchJson(url));
  const loaded = join(folder, 'keys.loaded');
  const map = [...keys].map(([kid, { alg }]) => `${alg}/${kid} keys/${kid}.pem\n`).join('');
  if (map === contentOf(loaded)) return;
  mkdirSync(join(folder, 'keys'), { recursive: true });
  for (const [kid, { pem }] of keys) replace(join(folder, 'keys', `${kid}.pem`), pem);
  replace(join(folder, 'keys.cfg'), `backend keys\n${[...keys].map(([kid, { alg }]) => `  http-request deny if { str(),jwt_verify(${alg},keys/${kid}.pem) -m int 1 }\n`).join('')}`);
  replace(join(folder, 'keys.map'), map);
  await reload();
  replace(loaded, map);
  for (const file of readdirSync(join(folder, 'keys'))) if (!keys.has(file.replace(/\.pem$/, ''))) rmSync(join(folder, 'keys', file));
}

async function fetchJson(url) {
  const res = await fetch(url, { signal: AbortSignal.timeout(5000) });
  if (!res.ok) throw new Error(`${url}: ${res.status}`);
  return res.json();
}

/** By `kid`. It becomes the name of a file: one with other characters than those of base64url is passed over. */
function usableKeys(jwks) {
  const usable = jwks.keys.filter(({ kid, alg, use }) => Object.hasOwn(ALGORITHMS, alg) && use === 'sig' && /^[\w-]{1,128}$/.test(kid));
  const keys = new Map();
  for (const jwk of usable) {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    if (ALGORITHMS[jwk.alg](key)) keys.set(jwk.kid, { alg: jwk.alg, pem: key.export({ type: 'spki', format: 'pem' }) });
  }
  if (keys.size === 0) throw new Error('There is no key for ES256 or RS256 in the JWKS: see ACCESS_TOKEN_SIGNING_ALG');
  return keys;
}

/** Never half a file. */
function replace(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function contentOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [url, folder, command, ...args] = process.argv.slice(2);
  await followKeys(url, folder, () => {
    if (command && spawnSync(command, args, { stdio: 'inherit' }).status !== 0) throw new Error(`${command} has failed`);
  });
}
