import { Argument, type Command } from 'commander';
import { command, does, type Finished } from '../command.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function addCompletion(program: Command, finished: Finished): void {
  const completion = command(program, 'completion', 'Print what a shell needs to complete commands and options.', [
    ['source <(mintgate completion bash)', 'in ~/.bashrc'],
    ['source <(mintgate completion zsh)', 'in ~/.zshrc, after compinit'],
    ['mintgate completion fish > ~/.config/fish/completions/mintgate.fish', 'once'],
  ]).addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(SHELLS));
  does(completion, finished, () => import('../run/completion.js'), 'completion');
  // What the shells ask. It is given the words of a command line, the last of which is to be completed.
  const complete = program.command('complete [words...]', { hidden: true }).allowUnknownOption().helpOption(false);
  complete.action(async (words: string[]) => {
    const { complete: answer } = await import('../run/completion.js');
    answer(program, words);
    finished(0);
  });
}
