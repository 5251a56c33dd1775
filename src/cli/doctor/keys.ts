import type { SecretBox } from '../../common/crypto/secret-box.js';
import type { Config } from '../../config/config.js';
import { sealContext } from '../../keys/key-ring.js';
import type { SealedCount } from '../../keys/key-rewrap.js';
import type { SigningKeyEntity } from '../../keys/signing-key.entity.js';
import { type Finding, ok, problem, warning } from './finding.js';

const DAY_MS = 86_400_000;

/** @param box under the KEY_ENCRYPTION_KEY; `undefined` when that is not known */
export function keyFindings(config: Config, keys: readonly SigningKeyEntity[], box: SecretBox | undefined, nowMs: number): Finding[] {
  if (keys.length === 0) return [warning('signing keys', 'there are none yet', 'mintgate start: the first start makes them')];
  const sealed = keys.filter((key) => !opens(key, box));
  const opening =
    box === undefined
      ? problem('signing keys', 'cannot be opened: the key that they were made under is not here', 'KEY_ENCRYPTION_KEY, as it was when they were made')
      : sealed.length > 0
        ? problem('signing keys', `${sealed.length} of ${keys.length} were made under another KEY_ENCRYPTION_KEY`, 'the key that they were made under, as KEY_ENCRYPTION_KEY or in KEY_ENCRYPTION_KEY_PREVIOUS')
        : ok('signing keys', `${keys.length}, all of which ${config.previousKeyEncryptionKeys.length === 0 ? 'KEY_ENCRYPTION_KEY opens' : 'can be opened'}`);
  return [opening, ...keys.filter(({ status }) => status === 'active').map((key) => activeFinding(config, key, keys, nowMs)), ...algorithmFinding(config, keys)];
}

/** Checks which key the encrypted values need. Signing keys that no key opens are reported by {@link keyFindings}. */
export function sealedFindings({ previousKeyEncryptionKeys }: Config, { values, previous, unopened }: SealedCount, keysOpen: boolean): Finding[] {
  const check = 'KEY_ENCRYPTION_KEY_PREVIOUS';
  if (!keysOpen) return [];
  if (unopened > 0) return [problem('encrypted values', `${unopened} of ${values} are opened by no key`, 'the key that they were encrypted under, in KEY_ENCRYPTION_KEY_PREVIOUS')];
  if (previousKeyEncryptionKeys.length === 0) return [];
  return previous > 0
    ? [warning(check, `${previous} of ${values} values in the database still need it`, 'mintgate keys rewrap, then take it out')]
    : [warning(check, `no value in the database needs it`, 'take it out, unless you are about to make it the KEY_ENCRYPTION_KEY')];
}

export function opens(key: SigningKeyEntity, box: SecretBox | undefined): boolean {
  try {
    return box !== undefined && box.open(key.sealedPrivateJwk, sealContext(key.kid)) !== '';
  } catch {
    return false;
  }
}

function activeFinding({ keyRotationIntervalDays: interval }: Config, active: SigningKeyEntity, keys: readonly SigningKeyEntity[], nowMs: number): Finding {
  const check = `signing key ${active.alg}`;
  const days = Math.floor((nowMs - (active.activatedAt ?? nowMs)) / DAY_MS);
  if (!keys.some(({ alg, status }) => alg === active.alg && status === 'next')) return warning(check, 'has no next key that others could know ahead of time', 'a running server makes one within a minute: is any running?');
  if (interval > 0 && days > interval) return warning(check, `has been in use for ${days} days; KEY_ROTATION_INTERVAL_DAYS is ${interval}`, 'a running server rotates it within a minute; or mintgate keys rotate');
  if (interval === 0 && days > 365) return warning(check, `has been in use for ${days} days, and nothing rotates it`, 'mintgate keys rotate, or KEY_ROTATION_INTERVAL_DAYS=90');
  return ok(check, `in use for ${days} days, its next one is published${interval > 0 ? `, rotated after ${interval}` : ''}`);
}

const algorithmFinding = ({ accessTokenSigningAlg: alg }: Config, keys: readonly SigningKeyEntity[]): Finding[] =>
  keys.some((key) => key.alg === alg && key.status === 'active') ? [] : [warning('ACCESS_TOKEN_SIGNING_ALG', `no ${alg} key signs yet`, 'a server that runs with it publishes one, and lets it sign when others know it')];
