import type { Command, Option } from 'commander';
import type { SHELLS } from '../commands/completion.js';
import { print } from '../output.js';

/** Each asks {@link complete}, so that what is completed is what the installed version knows. */
const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `_mintgate() {
  local candidate
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    COMPREPLY+=("$candidate")
  done < <(mintgate complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _mintgate mintgate`,
  zsh: `#compdef mintgate
_mintgate() {
  local -a candidates
  local candidate description
  while IFS=$'\\t' read -r candidate description; do
    candidates+=("$candidate:$description")
  done < <(mintgate complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#candidates )); then
    _describe mintgate candidates
  else
    _files
  fi
}
compdef _mintgate mintgate`,
  fish: `function __mintgate_complete
  set -l words (commandline -opc) (commandline -ct)
  mintgate complete -- $words[2..-1] 2>/dev/null
end
complete -c mintgate -f -a '(__mintgate_complete)'
complete -c mintgate -l from -r -F
complete -c mintgate -l password-file -r -F`,
};

export async function completion(shell: (typeof SHELLS)[number]): Promise<void> {
  print(SCRIPTS[shell]);
}

/** Prints what the last word may become, a candidate and what it is a line. */
export function complete(program: Command, words: readonly string[]): void {
  const candidates = candidatesFor(program, words);
  if (candidates.length > 0) print(candidates.map(([word, what]) => `${word}\t${what.split(/[.:;]( |$)/)[0]}`).join('\n'));
}

type Candidate = readonly [word: string, what: string];

function candidatesFor(program: Command, words: readonly string[]): Candidate[] {
  const current = words.at(-1) ?? '';
  let command = program;
  let option: Option | undefined;
  let operands = 0;
  for (const word of words.slice(0, -1)) {
    const isValue = option?.required && !word.startsWith('-');
    if (isValue && !option!.variadic) option = undefined;
    if (isValue) continue;
    option = word.startsWith('-') ? command.options.find(({ short, long }) => word === short || word === long) : undefined;
    if (word.startsWith('-')) continue;
    const inner = command.commands.find((each) => each.name() === word);
    if (inner) command = inner;
    else operands++;
  }
  return all(command, current, option, operands).filter(([word]) => word.startsWith(current));
}

function all(command: Command, current: string, option: Option | undefined, operands: number): Candidate[] {
  const help = command.createHelp();
  if (option?.required && !current.startsWith('-')) return (option.argChoices ?? []).map((choice) => [choice, option.description]);
  if (current.startsWith('-')) return help.visibleOptions(command).map((each) => [each.long!, each.description]);
  const argument = command.registeredArguments[operands];
  return [...help.visibleCommands(command).map((each): Candidate => [each.name(), each.description()]), ...(argument?.argChoices ?? []).map((choice): Candidate => [choice, argument.description])];
}
