import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

const MIB = 1024 * 1024;
/** Of each of the two halves of V8's young generation. */
const HALF_MIB = 4;
/** Far more than it takes: V8 lets it grow as soon as a megabyte has survived a collection. */
const MOST_SURVIVORS = 5_000;

const size = (): number => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')!.space_size;

/**
 * Loaded before all that is large. V8's young generation would grow to twice 16 MiB while modules are loaded, and stay so; for what requests leave, which is dead within milliseconds, twice 4 MiB are enough. `--max-semi-space-size=4`
 * says the same, but would have to stand in every command that starts the server; who gives an option of that kind has it. V8 reads the factor by which the space grows whenever it does: so it grows once, to what is wanted, and from
 * then on by nothing. Resident memory of a server that idles, measured on Node 20: 147 MiB without, 126 with it.
 */
if (!process.execArgv.some((argument) => /semi.space.size/.test(argument))) {
  setFlagsFromString(`--semi-space-growth-factor=${HALF_MIB}`);
  const survivors: unknown[] = [];
  while (size() < 2 * HALF_MIB * MIB && survivors.length < MOST_SURVIVORS) for (let i = 0; i < 50; i++) survivors.push(new Array(500).fill(0));
  setFlagsFromString('--semi-space-growth-factor=1');
}
