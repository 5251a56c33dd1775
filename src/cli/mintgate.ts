import { runCommandLine } from './run-command-line.js';

// The first process of a container has no default action for signals. A server that starts has its own.
if (process.pid === 1 && process.argv[2] !== 'start') process.on('SIGTERM', () => process.exit(143));

void runCommandLine(process.argv.slice(2)).then((code) => process.exit(code));
