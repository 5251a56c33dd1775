import type { Command } from 'commander';
import { command, does, type Finished, jsonCommand } from '../command.js';

/** The commands that run a server and look after it. */
export function addOperations(program: Command, finished: Finished): void {
  const start = command(program, 'start', 'Run the server: what node dist/src/main.js does, with the same exit codes and signals.', [
    ['mintgate start', 'on the embedded database, at http://127.0.0.1:3000'],
    ['NODE_ENV=production ISSUER=https://id.example.com mintgate start', 'configured by the environment; a .env file in the working directory is read too'],
  ]);
  does(start, finished, () => import('../run/start.js'), 'start');

  const migrate = jsonCommand(program, 'migrate', 'Bring the tables up to date. One process at a time does, and a server that starts does it too.', [
    ['mintgate migrate --status', 'show what waits, and change nothing'],
    ['mintgate migrate', 'ahead of a new version'],
  ]).option('--status', 'only show what waits; exit code 1 when something does');
  does(migrate, finished, () => import('../run/migrate.js'), 'migrate');

  const cleanup = jsonCommand(program, 'cleanup', 'Delete expired rows now. Servers do it every minute; this is for a large backlog.', [
    ['mintgate cleanup --dry-run', 'count them'],
    ['mintgate cleanup', 'delete them'],
  ]).option('--dry-run', 'only count what a clean-up would delete');
  does(cleanup, finished, () => import('../run/cleanup.js'), 'cleanUp');

  const doctor = jsonCommand(program, 'doctor', 'Say what is missing for production, line by line, and what to do. It changes and makes nothing. Exit code 1 when there is a problem; warnings alone leave it 0.', [
    ['mintgate doctor', 'as this shell would start the server'],
    ['mintgate doctor --json', 'for a deployment that goes on only when nothing is wrong'],
  ]);
  does(doctor, finished, () => import('../run/doctor.js'), 'doctor');
}
