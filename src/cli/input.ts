import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { text as textOf } from 'node:stream/consumers';
import { Writable } from 'node:stream';
import { UsageError } from './failure.js';

/** The text of a file, `-` for standard input. @throws {UsageError} when it cannot be read */
export async function readText(file: string): Promise<string> {
  if (file === '-') return textOf(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** A JSON object from a file. @throws {UsageError} */
export async function readObject(file: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(file));
  } catch (error) {
    // The parser's own words repeat what it met, which may be a secret.
    throw error instanceof UsageError ? error : new UsageError(`${file === '-' ? 'standard input' : file}: does not hold JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UsageError(`${file === '-' ? 'standard input' : file}: does not hold a JSON object`);
  return value as Record<string, unknown>;
}

/**
 * A secret from a file, from standard input, or from whoever sits at the terminal, who types it twice and does not see it. Never from an argument, which
 * every user of the machine could read.
 */
export async function readSecret(what: string, file: string | undefined): Promise<string> {
  if (file !== undefined || !process.stdin.isTTY) return (await readText(file ?? '-')).replace(/\r?\n$/, '');
  const first = await ask(`${what}: `, true);
  if ((await ask(`${what}, again: `, true)) !== first) throw new UsageError('the two are not the same');
  return first;
}

/** Whether whoever sits at the terminal types a word. Where nobody does, it is a usage error that names the option. */
export async function confirmed(question: string, word: string, option: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError(`${option} is needed where nobody can be asked`);
  return (await ask(`${question} Type ${word} to go on: `, false)) === word;
}

async function ask(question: string, hidden: boolean): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: hidden ? silent : process.stderr, terminal: true });
  // Readline turns the terminal's own echo off, and its output is where the echo would appear.
  if (hidden) process.stderr.write(question);
  terminal.on('SIGINT', () => process.exit(130));
  try {
    return await terminal.question(hidden ? '' : question);
  } finally {
    terminal.close();
    if (hidden) process.stderr.write('\n');
  }
}
