import type { Command } from 'commander';
import { command, does, type Finished, group, jsonCommand } from '../command.js';

export function addAudit(program: Command, finished: Finished): void {
  const run = () => import('../run/audit.js');
  const audit = group(program, 'audit', 'Who did what when, from where, and with what result.', [
    ['mintgate audit list --client-id billing-cron', 'all that a client did, or that was done to it'],
    ['mintgate audit export --since 2026-11-01 > audit.jsonl', 'for whoever keeps it'],
  ]);
  does(
    addFilters(jsonCommand(audit, 'list', 'List events, newest first.', [
      ['mintgate audit list --type "client.*" --limit 10', 'the latest of all types below a name'],
      ['mintgate audit list --result failure --since 2026-11-27T12:00:00Z', 'what was refused, or failed, since then'],
    ]))
      .option('--limit <number>', 'how many, 1 to 200', '50')
      .option('--cursor <cursor>', 'where the page before ended'),
    finished, run, 'list',
  );
  does(
    addFilters(command(audit, 'export', 'Print events as JSON lines, oldest first: each as the admin API lists it. The export is audited itself.', [
      ['mintgate audit export > audit.jsonl', 'all that there are'],
      ['mintgate audit export --after 48211 >> audit.jsonl', 'those that came after the event_id of the last line'],
    ])).option('--after <event_id>', 'the last event that is known already'),
    finished, run, 'exportLines',
  );
}

const addFilters = (to: Command): Command =>
  to
    .option('--type <type>', 'a type, such as client.created, or all below a name: client.*')
    .option('--client-id <client_id>', 'the client that acted, or that the event is about')
    .option('--user-id <user_id>', 'the user who acted, or whom the event is about')
    .option('--actor-client-id <client_id>', 'the client that acted')
    .option('--result <result>', 'success or failure')
    .option('--request-id <request_id>', 'one request')
    .option('--address <address>', 'from where, exactly')
    .option('--since <time>', 'then or later, such as 2026-11-23T14:00:00Z or 2026-11-23')
    .option('--until <time>', 'earlier than that');
