// The ratios that were written down once, and whether those of today are others.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SCHEMA } from './schema.mjs';
import { median, round } from './report.mjs';

export const RECORDED = fileURLToPath(new URL('./recorded.json', import.meta.url));

/** Below this a change of a ratio is none: so far apart are two runs of the same code, whose processes were laid out and compiled a little differently. */
const LEAST_CHANGE = 0.05;
/** Standard errors that a change must exceed. With five rounds on each side one in a hundred unchanged ratios does so. */
const STANDARD_ERRORS = 3;
/** Fewer tell nothing of how far they lie apart. */
const LEAST_ROUNDS = 3;
/** What the median of a normal distribution is less certain of than the mean. */
const MEDIAN_FACTOR = 1.2533;

const logarithms = ({ rounds }, peer) => rounds.map((value, i) => Math.log(value / peer.rounds[i]));

/** Logarithms of Mintgate's ratio to each peer in each round, for a scenario that has rounds under load. */
function ratios({ results }) {
  const mintgate = results.filter(({ name, ratio }) => name === 'mintgate' && ratio);
  return mintgate.flatMap((own) => results
    .filter((peer) => peer.name !== 'mintgate' && peer.node === own.node && peer.workers === own.workers)
    .map((peer) => ({ peer: peer.name, node: own.node, workers: own.workers, logarithms: logarithms(own, peer), errors: own.errors + peer.errors })));
}

/** Of versions of Node.js only the major one counts. */
const keyOf = (scenario, { peer, node, workers }) => [scenario, peer, `Node ${node.split('.')[0]}`, ...(workers > 1 ? [`${workers} workers`] : [])].join(', ');

function standardError(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return MEDIAN_FACTOR * Math.sqrt(variance / values.length);
}

function assertReadable({ schema }, file) {
  if (schema !== SCHEMA) throw new Error(`${file} is of schema ${schema}, not ${SCHEMA}`);
}

export function readResults(file) {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => {
    const result = JSON.parse(line);
    assertReadable(result, file);
    return result;
  });
}

/** @returns by key (scenario, peer, Node.js): ratio, the ratios of the rounds, when, and on what machine and commit */
export function readRecorded(file = RECORDED) {
  const recorded = JSON.parse(readFileSync(file, 'utf8'));
  assertReadable(recorded, file);
  return recorded.ratios;
}

/** Adds to what is recorded, in place of what has the same key. */
export function writeRecorded(measured, file = RECORDED) {
  const ratiosNow = measured.flatMap((result) => ratios(result).map((each) => {
    if (each.errors > 0) throw new Error(`${result.scenario} had errors: nothing is recorded`);
    const { cpu, commit } = result.machine;
    return [keyOf(result.scenario, each), { ratio: round(Math.exp(median(each.logarithms)), 3), rounds: each.logarithms.map((value) => round(Math.exp(value), 4)), at: result.at, cpu, commit }];
  }));
  let before = {};
  try {
    before = readRecorded(file);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  const all = Object.entries({ ...before, ...Object.fromEntries(ratiosNow) }).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = all.map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  writeFileSync(file, `{\n  "schema": ${SCHEMA},\n  "ratios": {\n${lines.join(',\n')}\n  }\n}\n`);
}

/**
 * Compares with what is recorded: the median of the logarithms of the ratio in each round then and now, in units of the standard error of their difference.
 * @returns for each ratio: key, verdict (up, down, same, unknown: not recorded, or too few rounds, or errors), was, is, change and noise as parts of 1, and why for unknown
 */
export function compare(measured, recorded) {
  return measured.flatMap((result) => ratios(result).map((each) => {
    const key = keyOf(result.scenario, each);
    const is = round(Math.exp(median(each.logarithms)), 3);
    const then = recorded[key];
    if (each.errors > 0) return { key, verdict: 'unknown', is, why: `${each.errors} errors` };
    if (!then) return { key, verdict: 'unknown', is, why: 'not recorded' };
    if (Math.min(each.logarithms.length, then.rounds.length) < LEAST_ROUNDS) return { key, verdict: 'unknown', is, why: `fewer than ${LEAST_ROUNDS} rounds` };
    const before = then.rounds.map(Math.log);
    const change = median(each.logarithms) - median(before);
    const noise = Math.max(Math.log(1 + LEAST_CHANGE), STANDARD_ERRORS * Math.hypot(standardError(each.logarithms), standardError(before)));
    const verdict = Math.abs(change) <= noise ? 'same' : change > 0 ? 'up' : 'down';
    return { key, verdict, was: then.ratio, is, change: round(Math.expm1(change), 4), noise: round(Math.expm1(noise), 4) };
  }));
}
