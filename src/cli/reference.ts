import type { Command } from 'commander';
import { examplesOf } from './command.js';
import { buildProgram } from './program.js';

/** The text of `docs/reference/cli.md`. */
export function cliReference(): string {
  const program = buildProgram(() => undefined);
  return [
    '# The command line',
    '',
    `${program.description().replace('\n', ' ')} Run it as \`node bin/mintgate.cjs\`. In a clone without \`dist/\` it builds that first.`,
    '',
    '- **Configuration**: the [environment](configuration.md) and the `.env` file in the working directory, as for the server. Whoever may read it may do everything: there is no other login.',
    '- **`--json`** prints one document, which is what the [admin API](../../README.md#endpoints) answers to the same request: lists are `{"items": [...], "next_cursor": ...}`. Where that answer has no body, nothing is printed. `audit export` prints a document a line.',
    '- **Refusals** are those of the admin API: a line for each, with a JSON pointer into the body, on standard error; with `--json` the problem document (RFC 9457).',
    '- **Secrets** are never arguments, which every user of the machine can read. They come from a file, from standard input, or from a prompt that does not show them. A secret that is made is printed once.',
    '- **Exit codes**: 0 done, 1 failed or refused, 2 wrong usage, 78 wrong configuration.',
    '- Every change is in the [audit log](../../README.md#endpoints) with the name of the system user who made it.',
    '- Only `start` and `migrate` change the tables; the other commands say so when the tables are not up to date.',
    '',
    ...commandsOf(program).flatMap(section),
    'This page is generated from `src/cli` by `npm run docs:generate`.',
    '',
  ].join('\n');
}

/** Those that do something, in the order of the help. */
function commandsOf(parent: Command): Command[] {
  const inner = parent.createHelp().visibleCommands(parent).filter((each) => each.name() !== 'help');
  return inner.flatMap((each) => (each.commands.length > 0 ? commandsOf(each) : [each]));
}

function section(command: Command): string[] {
  const options = command.createHelp().visibleOptions(command).filter(({ long }) => long !== '--help');
  return [
    `## ${pathOf(command)}`,
    '',
    command.description(),
    '',
    '```sh',
    `${pathOf(command)} ${command.usage()}`,
    ...examplesOf(command).flatMap(([line, what]) => ['', `# ${what}`, line]),
    '```',
    '',
    ...(options.length === 0 ? [] : ['| option | what it does |', '| --- | --- |', ...options.map(({ flags, description, defaultValue }) => `| \`${flags.replaceAll('|', '\\|')}\` | ${description}${defaultValue === undefined ? '' : ` (default ${String(defaultValue)})`} |`), '']),
  ];
}

const pathOf = (command: Command): string => (command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name());
