import { SingleBar } from 'cli-progress';
import { KeyAdministration } from '../../admin/key-administration.js';
import { type SigningKeyResponse, signingKeysResponse } from '../../admin/signing-key.response.js';
import { KeyRewrap } from '../../keys/key-rewrap.js';
import { CommandFailure } from '../failure.js';
import { confirmed } from '../input.js';
import { type Column, print, printDone, printJson, printPage } from '../output.js';
import { type Services, withServices } from '../services.js';

interface Json {
  json?: boolean;
}

const COLUMNS: readonly Column<SigningKeyResponse>[] = [
  ['kid', ({ kid }) => kid],
  ['alg', ({ alg }) => alg],
  ['status', ({ status }) => status],
  ['published', ({ published_at: published }) => published],
  ['activated', ({ activated_at: activated }) => activated],
  ['leaves the JWKS', ({ expires_at: expires }) => expires],
];

export async function list({ json }: Json): Promise<void> {
  await withServices((services) => printKeys(services, json));
}

export async function rotate({ json, alg }: Json & { alg?: string }): Promise<void> {
  await withServices(async (services) => {
    await services.get(KeyAdministration).rotate(alg === undefined ? {} : { alg }, services.admin);
    await printKeys(services, json);
  });
}

export async function remove(kid: string, { json, yes }: Json & { yes?: boolean }): Promise<void> {
  if (!yes && !(await confirmed('Every token that this key signed is dead at once.', 'delete', '--yes'))) throw new CommandFailure('nothing was deleted');
  await withServices(({ get, admin }) => get(KeyAdministration).remove(kid, admin));
  printDone(`Deleted: ${kid}`, json);
}

export async function rewrap({ json }: Json): Promise<void> {
  await withServices(async ({ get, admin }) => {
    const rewrapping = get(KeyRewrap);
    // On standard error, and only where somebody watches it.
    const bar = new SingleBar({ format: 'Encrypting {bar} {value}/{total} values', stream: process.stderr, hideCursor: true, clearOnComplete: true });
    const { values, previous } = await rewrapping.count();
    if (previous > 0) bar.start(previous, 0);
    try {
      const rewrapped = await rewrapping.run(admin.actor, () => bar.increment());
      if (json) printJson({ values, rewrapped });
      else print(`Encrypted under KEY_ENCRYPTION_KEY: ${rewrapped} of ${values} values; the others were already.`);
    } finally {
      bar.stop();
    }
  });
}

async function printKeys({ get }: Services, json: boolean | undefined): Promise<void> {
  printPage(signingKeysResponse(await get(KeyAdministration).published()), COLUMNS, json);
}
