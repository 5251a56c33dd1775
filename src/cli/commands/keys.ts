import type { Command } from 'commander';
import { does, type Finished, group, jsonCommand } from '../command.js';

export function addKeys(program: Command, finished: Finished): void {
  const run = () => import('../run/keys.js');
  const keys = group(program, 'keys', 'See, rotate and delete the signing keys, and replace the key that encrypts them.', [
    ['mintgate keys list', 'what is published, and what signs'],
    ['mintgate keys rotate', 'ahead of the schedule'],
  ]);
  does(jsonCommand(keys, 'list', 'List the signing keys, newest first.', [['mintgate keys list --json', 'as the admin API lists them']]), finished, run, 'list');
  does(
    jsonCommand(keys, 'rotate', 'Let the next key sign, retire the active one, and publish another next one. Refused while the next key is younger than what others may have cached.', [
      ['mintgate keys rotate', 'every algorithm in use'],
      ['mintgate keys rotate --alg ES256', 'one of them'],
    ]).option('--alg <algorithm>', 'ES256, RS256, PS256 or EdDSA; default: every one that has an active key'),
    finished, run, 'rotate',
  );
  does(
    jsonCommand(keys, 'rewrap', 'Encrypt every value in the database under the KEY_ENCRYPTION_KEY of now, while servers go on. Afterwards KEY_ENCRYPTION_KEY_PREVIOUS is not needed any more.', [
      ['mintgate keys rewrap', 'once every instance has the new key as KEY_ENCRYPTION_KEY'],
      ['mintgate keys rewrap --json', 'how many values there are, and how many were encrypted anew'],
    ]),
    finished, run, 'rewrap',
  );
  does(
    jsonCommand(keys, 'delete <kid>', 'Emergency: delete a signing key at once. Every token that it signed is dead; the next key takes the place of an active one.', [
      ['mintgate keys delete JZ0h6dqZ4R7vYb7c0Yk2g1m8nQx3s5t7u9wA1bC2dE4 --yes', 'a key that may have been stolen'],
    ]).option('--yes', 'do not ask'),
    finished, run, 'remove',
  );
}
