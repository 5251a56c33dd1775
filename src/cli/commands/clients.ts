import type { Command } from 'commander';
import { CLIENT_FIELDS } from '../bodies.js';
import { does, type Finished, group, jsonCommand } from '../command.js';
import { addFields, addPatchFields } from '../fields.js';

export function addClients(program: Command, finished: Finished): void {
  const run = () => import('../run/clients.js');
  const clients = group(program, 'clients', 'Register, see, change and delete clients, and their secrets.', [
    ['mintgate clients list --q billing', 'find clients'],
    ['mintgate clients create billing-cron --scope "invoices:read invoices:write"', 'a service; its secret is shown once'],
    ['mintgate clients update billing-cron --enabled false', 'disable a client: what it holds is dead within a second'],
  ]);
  does(
    jsonCommand(clients, 'list', 'List clients, newest first.', [['mintgate clients list --grant-type password --json', 'who may use the password grant']])
      .option('--q <text>', 'part of the id or the name')
      .option('--grant-type <type>', 'those that may use a grant')
      .option('--enabled <true|false>', 'only those that are, or are not')
      .option('--limit <number>', 'how many, 1 to 200', '50')
      .option('--cursor <cursor>', 'where the page before ended'),
    finished, run, 'list',
  );
  does(jsonCommand(clients, 'show <client_id>', 'Show a client.', [['mintgate clients show billing-cron --json', 'as the admin API shows it']]), finished, run, 'show');
  does(
    addFields(jsonCommand(clients, 'create [client_id]', 'Register a client. An id is chosen when none is given. The secret is shown once.', [
      ['mintgate clients create billing-cron --scope invoices:read', 'a service'],
      ['mintgate clients create desk --grant-types authorization_code refresh_token --redirect-uris https://desk.example.com/callback --scope "openid email"', 'an application that signs users in'],
      ['mintgate clients create --from client.json --json', 'from the body of the admin API'],
    ]), CLIENT_FIELDS),
    finished, run, 'create',
  );
  does(
    addPatchFields(jsonCommand(clients, 'update <client_id>', 'Change a client: what is not named stays as it is.', [
      ['mintgate clients update desk --redirect-uris https://desk.example.com/callback https://desk.example.net/callback', 'a list is replaced as a whole'],
      ['mintgate clients update desk --unset default_scope', 'back to its default'],
    ]), CLIENT_FIELDS),
    finished, run, 'update',
  );
  does(jsonCommand(clients, 'delete <client_id>', 'Delete a client with its secrets; everything that it holds is dead at once.', [['mintgate clients delete billing-cron', 'for good']]), finished, run, 'remove');

  const secrets = group(clients, 'secrets', 'The secrets of a client, of which several are valid at a time.', [
    ['mintgate clients secrets add billing-cron --previous-expires-in 86400', 'another secret; the older ones end tomorrow'],
    ['mintgate clients secrets list billing-cron', 'which one is still used'],
  ]);
  does(jsonCommand(secrets, 'list <client_id>', 'List the secrets of a client, without the secrets themselves.', [['mintgate clients secrets list billing-cron', 'when each was last used']]), finished, run, 'listSecrets');
  does(
    jsonCommand(secrets, 'add <client_id>', 'Add a secret, which is shown once. The older ones stay valid.', [
      ['mintgate clients secrets add billing-cron --previous-expires-in 86400', 'change a secret without an outage'],
      ['mintgate clients secrets add billing-cron --json', 'for a script, which finds it in client_secret'],
    ])
      .option('--expires-in <seconds>', 'for how long it is valid; default: no end')
      .option('--previous-expires-in <seconds>', 'when the older ones end; default: they stay as they are'),
    finished, run, 'addSecret',
  );
  does(jsonCommand(secrets, 'delete <client_id> <secret_id>', 'Delete a secret.', [['mintgate clients secrets delete billing-cron Zq3vX9cK1b2A', 'one that nobody uses any more']]), finished, run, 'removeSecret');

  const tokens = group(clients, 'tokens', 'What a client holds.', [['mintgate clients tokens revoke billing-cron', 'end it all']]);
  does(jsonCommand(tokens, 'revoke <client_id>', 'Revoke everything that a client holds. It can get new tokens.', [['mintgate clients tokens revoke billing-cron', 'on every server within a second']]), finished, run, 'revokeTokens');
}
