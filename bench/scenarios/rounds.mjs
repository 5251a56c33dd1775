// Contestants under load in turns.
import { load } from '../load.mjs';
import { median, round } from '../report.mjs';
import { startServer } from '../server.mjs';

/** @param prepare what to send in the next burst, by the server and its contestant */
export async function run(contestants, options, prepare) {
  const entries = [];
  for (const contestant of contestants) entries.push({ contestant, server: await startServer(contestant, options), rounds: [] });
  if (options.warmup > 0) {
    for (const { contestant, server } of entries) {
      console.error(`warm-up: ${server.name}`);
      const { errors } = await load(server, await prepare(server, contestant), { ...options, seconds: options.warmup });
      if (errors > 0) throw server.failed(`gave ${errors} wrong answers in the warm-up`);
    }
  }
  for (let i = 1; i <= options.rounds; i++) {
    for (const { contestant, server, rounds } of entries) {
      const result = await load(server, await prepare(server, contestant), options);
      console.error(`round ${i}/${options.rounds}: ${server.name} ${Math.round(result.perCpuSecond)} answers per CPU-second`);
      rounds.push(result);
    }
  }
  for (const { server } of entries) await server.stop();
  return compare(entries.map(({ server, rounds }) => summarise(server.name, rounds)));
}

function summarise(name, rounds) {
  const middle = (key) => median(rounds.map((each) => each[key]));
  const all = rounds.map((each) => Math.round(each.perCpuSecond));
  return {
    name,
    perCpuSecond: Math.round(middle('perCpuSecond')),
    min: Math.min(...all),
    max: Math.max(...all),
    perSecond: Math.round(middle('perSecond')),
    p50Ms: round(middle('p50Ms'), 2),
    p99Ms: round(middle('p99Ms'), 2),
    busy: round(middle('busy'), 2),
    others: round(middle('others'), 2),
    stolen: round(middle('stolen'), 2),
    answers: rounds.reduce((sum, { good }) => sum + good, 0),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    ...(rounds[0].databaseMicros === undefined ? {} : databaseCost(rounds.map((each) => Math.round(each.databaseMicros)))),
    rounds: all,
  };
}

const databaseCost = (all) => ({ databaseMicros: Math.round(median(all)), databaseMin: Math.min(...all), databaseMax: Math.max(...all), databaseRounds: all });

/** Mintgate comes first, the peers after it. */
function compare(results) {
  const ratios = (result) => results.slice(1).map((peer) => [peer.name, round(result.perCpuSecond / peer.perCpuSecond, 3)]);
  return results.map((result) => ({ ...result, ratio: Object.fromEntries(ratios(result)) }));
}

export function columns(results) {
  return [
    ['answers/CPU-s', (r) => r.perCpuSecond],
    ['min', (r) => r.min],
    ['max', (r) => r.max],
    ...results.slice(1).map(({ name }) => [`x ${name}`, (r) => r.ratio[name].toFixed(2)]),
    ...(results[0].databaseMicros === undefined ? [] : [['database us', (r) => r.databaseMicros], ['min', (r) => r.databaseMin], ['max', (r) => r.databaseMax]]),
    ['answers/s', (r) => r.perSecond],
    ['p50 ms', (r) => r.p50Ms.toFixed(2)],
    ['p99 ms', (r) => r.p99Ms.toFixed(2)],
    ['busy', (r) => r.busy.toFixed(2)],
    ['others', (r) => r.others.toFixed(2)],
    ['stolen', (r) => r.stolen.toFixed(2)],
    ['answers', (r) => r.answers],
    ['errors', (r) => r.errors],
  ];
}
