const { createRequire } = require('node:module');
const { dirname, isAbsolute, join, relative, resolve, sep } = require('node:path');
const { compileFunction } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

const ROOT = resolve(__dirname, '../..');
const TESTS = join(ROOT, 'test') + sep;
const SOURCES = join(ROOT, 'src') + sep;

const requires = new Map();
function requireOf(file) {
  if (!requires.has(file)) requires.set(file, createRequire(file));
  return requires.get(file);
}

/**
 * Jest loads every module anew for every test file, in a realm of its own: here that is 1.7 s of Nest, TypeORM and the application a file, and code that V8
 * has not optimised yet. With this runtime only the tests themselves are loaded so. They get packages as Node loads them, and for `src/` what `npm run build` made of it in `dist/`:
 * once for a process, and the very code that is deployed.
 */
module.exports = class CompiledAppRuntime extends Runtime {
  constructor(...args) {
    super(...args);
    const { executor } = this;
    executor.compile = (source, filename) => compileFunction(source, executor.injectedModuleParameters, { filename });
  }

  requireModuleOrMock(from, name) {
    if (!from.startsWith(TESTS) || name === '@jest/globals') return super.requireModuleOrMock(from, name);
    if (!name.startsWith('.') && !isAbsolute(name)) return requireOf(from)(name);
    const file = resolve(dirname(from), name);
    return file.startsWith(SOURCES) ? requireOf(from)(join(ROOT, 'dist', relative(ROOT, file))) : super.requireModuleOrMock(from, name);
  }
};
