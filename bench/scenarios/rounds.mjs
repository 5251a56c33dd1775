// Contestants under load in turns.
import { load } from '../load.mjs';
import { median, ratioOf, round } from '../report.mjs';
import { startServer } from '../server.mjs';

const START_SECONDS = 4;
const PREPARE_SECONDS = 0.5;

/** How long it should take, in seconds. */
export const estimate = (contestants, { warmup, rounds, seconds }) => contestants * (START_SECONDS + warmup + rounds * (seconds + PREPARE_SECONDS));

/**
 * @param entries contestants, each with what it changes of the options (cpus)
 * @param prepare the kinds of request to send in the next burst, by the server and its contestant
 * @param last what is asked of a server after its rounds; its answer goes into the result
 */
export async function run(entries, options, prepare, last = async () => ({})) {
  const running = [];
  for (const entry of entries) running.push({ entry, own: { ...options, ...entry.cpus }, rounds: [] });
  for (const each of running) each.server = await startServer(each.entry, each.own);
  if (options.warmup > 0) {
    for (const { entry, own, server } of running) {
      console.error(`warm-up: ${server.label}`);
      const { errors } = await load(server, await prepare(server, entry.contestant), { ...own, seconds: options.warmup });
      if (errors > 0) throw server.failed(`gave ${errors} wrong answers in the warm-up`);
    }
  }
  for (let i = 1; i <= options.rounds; i++) {
    for (const { entry, own, server, rounds } of running) {
      const result = await load(server, await prepare(server, entry.contestant), own);
      console.error(`round ${i}/${options.rounds}: ${server.label} ${Math.round(result.perCpuSecond)} answers per CPU-second`);
      rounds.push(result);
    }
  }
  const results = [];
  for (const { entry, own, server, rounds } of running) {
    const { errors = 0, ...more } = await last(server, entry.contestant, own);
    await server.stop();
    const result = summarise(entry, rounds);
    results.push({ ...result, ...more, errors: result.errors + errors });
  }
  return compare(results);
}

function summarise({ contestant, node, label, workers }, rounds) {
  const middle = (key) => median(rounds.map((each) => each[key]));
  const all = rounds.map((each) => Math.round(each.perCpuSecond));
  return {
    label,
    name: contestant.name,
    node: node.version,
    workers,
    perCpuSecond: Math.round(middle('perCpuSecond')),
    min: Math.min(...all),
    max: Math.max(...all),
    perSecond: Math.round(middle('perSecond')),
    p50Ms: round(middle('p50Ms'), 2),
    p99Ms: round(middle('p99Ms'), 2),
    p999Ms: round(middle('p999Ms'), 2),
    busy: round(middle('busy'), 2),
    generator: round(middle('generator'), 2),
    others: round(middle('others'), 2),
    stolen: round(middle('stolen'), 2),
    answers: rounds.reduce((sum, { good }) => sum + good, 0),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    ...(rounds[0].databaseMicros === undefined ? {} : databaseCost(rounds.map((each) => Math.round(each.databaseMicros)))),
    rounds: all,
    perSecondRounds: rounds.map((each) => Math.round(each.perSecond)),
  };
}

const databaseCost = (all) => ({ databaseMicros: Math.round(median(all)), databaseMin: Math.min(...all), databaseMax: Math.max(...all), databaseRounds: all });

/** Each beside every other one that has the same Node.js. */
function compare(results) {
  const others = (result) => results.filter((other) => other !== result && other.node === result.node && other.name !== result.name && other.workers === result.workers);
  return results.map((result) => ({ ...result, ratio: Object.fromEntries(others(result).map((other) => [other.name, ratioOf(result.rounds, other.rounds)])) }));
}

/** Whose ratios get a column; the JSON line holds all of them. */
const YARDSTICKS = ['bare-http', 'bare-hash', 'nest', 'oidc-provider', 'oidc-provider-mariadb'];

const optional = (present, ...columns) => (present ? columns : []);

export function columns(results) {
  const has = (key) => results.some((r) => r[key] !== undefined);
  const orNothing = (key, show = String) => (r) => (r[key] === undefined ? '-' : show(r[key]));
  const names = YARDSTICKS.filter((name) => results.length > 1 && results.some((r) => r.name === name));
  const twoDigits = (value) => value.toFixed(2);
  return [
    ['answers/CPU-s', (r) => r.perCpuSecond],
    ['min', (r) => r.min],
    ['max', (r) => r.max],
    ...names.map((name) => [`x ${name}`, (r) => r.ratio[name]?.median.toFixed(2) ?? (r.name === name ? '1' : '-')]),
    ...optional(has('databaseMicros'), ['database us', orNothing('databaseMicros')], ['min', orNothing('databaseMin')], ['max', orNothing('databaseMax')]),
    ['answers/s', (r) => r.perSecond],
    ['p50 ms', (r) => twoDigits(r.p50Ms)],
    ['p99 ms', (r) => twoDigits(r.p99Ms)],
    ['p999 ms', (r) => twoDigits(r.p999Ms)],
    ...optional(has('meanwhile'), ...['p50', 'p99', 'p999'].map((p) => [`cc ${p} ms`, orNothing('meanwhile', (seen) => seen[`${p}Ms`].toFixed(1))])),
    ['busy', (r) => twoDigits(r.busy)],
    ['others', (r) => twoDigits(r.others)],
    ['stolen', (r) => twoDigits(r.stolen)],
    ['answers', (r) => r.answers],
    ['errors', (r) => r.errors],
  ];
}
