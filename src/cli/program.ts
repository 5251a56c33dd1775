import { Command } from 'commander';
import { addAudit } from './commands/audit.js';
import { addClients } from './commands/clients.js';
import { addCompletion } from './commands/completion.js';
import { addKeys } from './commands/keys.js';
import { addOperations } from './commands/operations.js';
import { addResources } from './commands/resources.js';
import { addUsers } from './commands/users.js';
import { type Finished, withExamples } from './command.js';

/**
 * Every command with its options and its help. What a command does is loaded when it runs: help and completion must not wait for it.
 * @param finished is told the exit code of the command that ran
 * @param version of the package
 */
export function buildProgram(finished: Finished, version = ''): Command {
  const program = new Command('mintgate');
  program
    .description('Runs and manages a Mintgate authorization server. It works on the database that the configuration names, beside running servers or without one;\nservers see what it changes within a second.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help')
    .exitOverride()
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({ outputError: (text, write) => write(`mintgate: ${text.replace(/^error: /, '')}`) });
  withExamples(program, [
    ['mintgate doctor', 'what is missing for production, line by line'],
    ['mintgate start', 'run the server'],
    ['mintgate clients create billing-cron --scope "invoices:read"', 'register a client'],
    ['source <(mintgate completion bash)', 'complete commands and options in this shell'],
  ]);
  addOperations(program, finished);
  addClients(program, finished);
  addUsers(program, finished);
  addResources(program, finished);
  addKeys(program, finished);
  addAudit(program, finished);
  addCompletion(program, finished);
  return program;
}
