import { invalidInput, pointer, Problem } from './problem.js';

const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Far more than any body of ours, and far less than recursion can bear. */
const MAX_DEPTH = 32;
/** Elements of one array, or members of one object. */
const MAX_MEMBERS = 1_000;
/** Values in all. The largest body of ours holds 200 scopes with 50 roles each. */
const MAX_VALUES = 20_000;

/**
 * Bounds a parsed body before anything validates it: validators visit, and report, every element that they find.
 * Members that reach into a JavaScript object's prototype are refused by name, because validators ignore them.
 * @throws {Problem} 400
 */
export function assertBoundedJson(body: object): void {
  new BoundedJson().visit(body, []);
}

class BoundedJson {
  private values = 0;

  visit(value: object, path: readonly (string | number)[]): void {
    const names = Object.keys(value);
    if (names.length > MAX_MEMBERS) throw invalidInput([{ pointer: pointer(...path), detail: tooMany(value) }]);
    this.values += names.length;
    if (this.values > MAX_VALUES) throw new Problem(400, `The request body holds more than ${MAX_VALUES} values.`);
    for (const name of names) this.visitMember(name, (value as Record<string, unknown>)[name], path);
  }

  private visitMember(name: string, member: unknown, path: readonly (string | number)[]): void {
    if (PROTOTYPE_KEYS.has(name)) {
      throw invalidInput([{ pointer: pointer(...path, name), detail: 'is not a known field' }]);
    }
    if (typeof member !== 'object' || member === null) return;
    if (path.length === MAX_DEPTH) throw new Problem(400, 'The request body is nested too deeply.');
    this.visit(member, [...path, name]);
  }
}

const tooMany = (value: object): string =>
  Array.isArray(value)
    ? `must contain no more than ${MAX_MEMBERS} elements`
    : `must contain no more than ${MAX_MEMBERS} members`;
