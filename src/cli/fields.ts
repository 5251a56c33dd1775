import { type Command, Option } from 'commander';

/** A member of a body of the admin API that has an option of its own. */
export interface Field {
  readonly member: string;
  readonly kind: 'text' | 'number' | 'boolean' | 'list';
  readonly description: string;
}

export const field = (member: string, kind: Field['kind'], description: string): Field => ({ member, kind, description });

const FORMS: Readonly<Record<Field['kind'], string>> = { text: '<text>', number: '<number>', boolean: '<true|false>', list: '<value...>' };

const flagOf = (member: string): string => `--${member.replaceAll('_', '-')}`;
const attributeOf = (member: string): string => member.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Options for the members of a body, and `--from` for the body as it would be sent. */
export function addFields(command: Command, fields: readonly Field[]): Command {
  for (const { member, kind, description } of fields) {
    const option = new Option(`${flagOf(member)} ${FORMS[kind]}`, description);
    command.addOption(kind === 'boolean' ? option.choices(['true', 'false']) : option);
  }
  return command.option('--from <file>', 'read the JSON body of the admin API from a file, `-` for standard input; options win over it');
}

/** As {@link addFields}, for a JSON merge patch. */
export function addPatchFields(command: Command, fields: readonly Field[]): Command {
  return addFields(command, fields).option('--unset <member...>', 'set members, such as default_scope, back to their default');
}

export type FieldOptions = { from?: string; unset?: string[]; json?: boolean } & Record<string, unknown>;

/** The members that were given as options; what is of the wrong form is left to the rules of the admin API. */
export function bodyOf(fields: readonly Field[], options: FieldOptions): Record<string, unknown> {
  const given = fields.flatMap(({ member, kind }) => {
    const value = options[attributeOf(member)];
    return value === undefined ? [] : [[member, valueOf(kind, value)] as const];
  });
  return Object.fromEntries([...(options.unset ?? []).map((member) => [member, null] as const), ...given]);
}

function valueOf(kind: Field['kind'], value: unknown): unknown {
  if (kind === 'number') return /^-?\d{1,15}$/.test(String(value)) ? Number(value) : value;
  return kind === 'boolean' ? value === 'true' : value;
}
