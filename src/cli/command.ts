import type { Command } from 'commander';

export type Finished = (code: number) => void;

type Example = readonly [line: string, what: string];

const examples = new WeakMap<Command, readonly Example[]>();

export const examplesOf = (command: Command): readonly Example[] => examples.get(command) ?? [];

/** Adds examples to the help of a command. */
export function withExamples(command: Command, list: readonly Example[]): Command {
  examples.set(command, list);
  return command.addHelpText('after', () => ['', 'Examples:', ...list.map(([line, what]) => `  # ${what}\n  $ ${line}`)].join('\n'));
}

/** A group of commands, which does nothing by itself. */
export function group(parent: Command, name: string, description: string, list: readonly Example[]): Command {
  return withExamples(parent.command(name).description(description), list);
}

/** A command that does something. @param usage name and arguments, as commander writes them */
export function command(parent: Command, usage: string, description: string, list: readonly Example[]): Command {
  return withExamples(parent.command(usage).description(description), list);
}

/** As {@link command}, whose answer is also to be had as the JSON of the admin API. */
export function jsonCommand(parent: Command, usage: string, description: string, list: readonly Example[]): Command {
  return command(parent, usage, description, list).option('--json', 'print JSON');
}

/** What a command does: it is given its arguments in their order, then its options. It answers an exit code, or nothing for 0. */
type Work = (...args: never[]) => Promise<number | void>;

/** Lets a command do what a module, which is loaded for it, exports. */
export function does<Module, Name extends keyof Module>(on: Command, finished: Finished, load: () => Promise<Module>, name: Name): void {
  on.action(async (...given: unknown[]) => {
    const work = (await load())[name] as Work;
    // Commander gives the arguments, the options and the command itself.
    finished((await work(...(given.slice(0, -1) as never[]))) ?? 0);
  });
}
