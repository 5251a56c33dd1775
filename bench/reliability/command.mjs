// What the scripts here have in common as programs: their options, their one line of JSON, and that they leave nothing behind.
import { parseArgs } from 'node:util';

const ends = [];

/** Registers what is done however the script ends, last first. Answers a function that does it now. */
export function atEnd(work) {
  ends.push(work);
  return async () => {
    ends.splice(ends.indexOf(work), 1);
    await work();
  };
}

async function cleanUp() {
  const end = async (work) => work();
  while (ends.length > 0) await end(ends.pop()).catch((error) => console.error(String(error)));
}

/**
 * Reads the options, runs the work within a time limit, prints its figures as one line of JSON, and exits: 0 when all is as promised, 1 when not, 2 when that
 * could not be found out.
 * @param numbers name: [default, least, most]
 * @param choices name: the values allowed, the default first
 */
export async function command(usage, { numbers, choices = {} }, work, limitSeconds) {
  const options = read(usage, numbers, choices);
  const stop = (code) => void cleanUp().then(() => process.exit(code));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop(2));
  setTimeout(() => {
    console.error('it takes too long: given up');
    stop(2);
  }, limitSeconds(options) * 1000).unref();
  try {
    const began = performance.now();
    const { passed, ...figures } = await work(options);
    console.log(JSON.stringify({ ...options, ...figures, seconds: Math.round((performance.now() - began) / 1000), passed }));
    stop(passed ? 0 : 1);
  } catch (error) {
    console.error(error);
    stop(2);
  }
}

function read(usage, numbers, choices) {
  const fail = (message) => {
    console.error(`${message}\n\n${usage}`);
    process.exit(2);
  };
  const defaults = { ...Object.fromEntries(Object.entries(numbers).map(([name, [fallback]]) => [name, String(fallback)])), ...Object.fromEntries(Object.entries(choices).map(([name, [fallback]]) => [name, fallback])) };
  let values;
  try {
    ({ values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' }, ...Object.fromEntries(Object.entries(defaults).map(([name, fallback]) => [name, { type: 'string', default: fallback }])) } }));
  } catch (error) {
    fail(error.message);
  }
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const number = ([name, [, least, most]]) => {
    const value = /^\d{1,7}$/.test(values[name]) ? Number(values[name]) : NaN;
    if (!(value >= least && value <= most)) fail(`--${name}: a whole number from ${least} to ${most}`);
    return [name, value];
  };
  const choice = ([name, allowed]) => (allowed.includes(values[name]) ? [name, values[name]] : fail(`--${name}: one of ${allowed.join(', ')}`));
  return Object.fromEntries([...Object.entries(choices).map(choice), ...Object.entries(numbers).map(number)]);
}

/** `{ median, max }` of numbers. */
export function spread(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other).map(Math.round);
  return sorted.length === 0 ? {} : { median: sorted[sorted.length >> 1], max: sorted.at(-1) };
}

export const randomBelow = (limit) => Math.floor(Math.random() * limit);
