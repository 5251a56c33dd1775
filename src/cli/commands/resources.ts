import type { Command } from 'commander';
import { RESOURCE_FIELDS } from '../bodies.js';
import { does, type Finished, group, jsonCommand } from '../command.js';
import { addFields, addPatchFields } from '../fields.js';

export function addResources(program: Command, finished: Finished): void {
  const run = () => import('../run/resources.js');
  const resources = group(program, 'resources', 'Register, see, change and delete protected resources: the APIs that tokens are for.', [
    ['mintgate resources create https://api.example.com/invoices --scopes invoices:read invoices:write', 'an API and its scopes'],
    ['mintgate resources list', 'all of them'],
  ]);
  does(
    jsonCommand(resources, 'list', 'List protected resources, newest first.', [['mintgate resources list --json', 'as the admin API lists them']])
      .option('--limit <number>', 'how many, 1 to 200', '50')
      .option('--cursor <cursor>', 'where the page before ended'),
    finished, run, 'list',
  );
  does(jsonCommand(resources, 'show <resource_id>', 'Show a protected resource.', [['mintgate resources show 9f86d081884c7d659a', 'with its scopes']]), finished, run, 'show');
  const scopes = ['--scopes <name...>', 'names of its scopes; with descriptions and roles: --from'] as const;
  does(
    addFields(jsonCommand(resources, 'create [identifier]', 'Register a protected resource.', [
      ['mintgate resources create https://api.example.com/invoices --name Invoices --scopes invoices:read', 'a scope belongs to one resource at most'],
      ['mintgate resources create --from resource.json', 'from the body of the admin API'],
    ]), RESOURCE_FIELDS.slice(1)).option(...scopes),
    finished, run, 'create',
  );
  does(
    addPatchFields(jsonCommand(resources, 'update <resource_id>', 'Change a protected resource: what is not named stays as it is.', [
      ['mintgate resources update 9f86d081884c7d659a --resource-servers invoices-api', 'who may introspect its tokens'],
    ]), RESOURCE_FIELDS).option(...scopes),
    finished, run, 'update',
  );
  does(jsonCommand(resources, 'delete <resource_id>', 'Delete a protected resource; tokens that were issued for it stay valid until they expire.', [['mintgate resources delete 9f86d081884c7d659a', 'its scopes belong to nobody then']]), finished, run, 'remove');
}
