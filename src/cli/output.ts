/** A column of a table: its heading, and its cell in a row. */
export type Column<Row> = readonly [heading: string, cell: (row: Row) => unknown];

// Whoever reads from us, such as `head`, may have had enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For whoever watches; not part of the answer. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined));

/** A list as a table, or as the page of JSON that the admin API answers. */
export function printPage<Row>(page: { items: Row[]; next_cursor: string | null }, columns: readonly Column<Row>[], json: boolean | undefined): void {
  if (json) return printJson(page);
  print(table(page.items, columns));
  if (page.next_cursor !== null) note(`More: --cursor ${page.next_cursor}`);
}

/** One thing, a member a line, or as JSON. */
export function printItem(item: object, json: boolean | undefined): void {
  if (json) return printJson(item);
  const members = Object.entries(item);
  const width = Math.max(...members.map(([name]) => name.length));
  print(members.map(([name, value]) => `${name.padEnd(width)}  ${cellText(value)}`).join('\n'));
}

/** That something was done which has no answer: the admin API has none either. */
export function printDone(text: string, json: boolean | undefined): void {
  if (!json) print(text);
}

function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const lines = [columns.map(([heading]) => heading.toUpperCase()), ...rows.map((row) => columns.map(([, cell]) => cellText(cell(row))))];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => cells[index].length)));
  return lines.map((cells) => cells.map((cell, index) => cell.padEnd(widths[index])).join('  ').trimEnd()).join('\n');
}

function cellText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.length === 0 ? '-' : value.join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
