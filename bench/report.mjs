export const round = (value, digits) => Number(value.toFixed(digits));

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const spread = (values, digits) => ({ median: round(median(values), digits), min: round(Math.min(...values), digits), max: round(Math.max(...values), digits) });

/** What one contestant's figure is in relation to another's in the same round: what disturbed the machine for longer than a round disturbed both. */
export const ratioOf = (rounds, otherRounds) => spread(rounds.map((value, i) => value / otherRounds[i]), 3);

/** @param columns pairs of a heading and a function of one result */
export function table(columns, results) {
  const rows = [['', ...columns.map(([heading]) => heading)], ...results.map((result) => [result.label ?? result.name, ...columns.map(([, cell]) => String(cell(result)))])];
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')).join('\n');
}

/** Differences below this are noise, and rounds further apart say that something else was going on. */
const NOISE = 0.15;
const MUCH_OTHER_WORK = 0.25;

/** What should make the reader doubt the figures. */
export function notes(results) {
  const single = results.some(({ rounds }) => rounds?.length === 1) ? ['a single round tests the harness, it measures nothing'] : [];
  return single.concat(results.flatMap((r) => [
    ...(r.errors > 0 ? [`${r.label} gave ${r.errors} wrong answers or none: its figures mean nothing`] : []),
    ...(r.complete === false ? [`${r.label} was too slow to issue all the tokens`] : []),
    ...(r.perCpuSecond && (r.max - r.min) / r.perCpuSecond > NOISE ? [`${r.label}'s rounds differ by more than ${NOISE * 100} %`] : []),
    ...(r.others > MUCH_OTHER_WORK ? [`while ${r.label} was measured, others used ${r.others.toFixed(2)} CPUs of this machine`] : []),
    ...(r.stolen > 0.05 ? [`while ${r.label} was measured, the hypervisor took ${r.stolen.toFixed(2)} CPUs away`] : []),
  ]));
}

/** How a scenario's result is told: the table, what to doubt, and the machine. */
export function describe({ scenario, title, machine, results }, columns) {
  const { cpu, cores, memoryMiB, kernel, mariadb, commit, load } = machine;
  const facts = [cpu, `${cores} cores`, `${memoryMiB} MiB`, `Linux ${kernel}`, `Node ${machine.nodes.join(', ')}`, ...(mariadb ? [mariadb] : []), ...(commit ? [commit] : []), `load average at start ${load}`];
  return [`${scenario}: ${title}`, facts.join(', '), '', table(columns, results), ...notes(results).map((note) => `note: ${note}`)].join('\n');
}
