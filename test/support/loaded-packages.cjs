// Preloaded into a server: at SIGUSR2 it writes to the file of REPORT which packages it has loaded, and the bytes that V8's young generation may hold.
const { writeFileSync, renameSync } = require('node:fs');
const { getHeapSpaceStatistics } = require('node:v8');

process.on('SIGUSR2', () => {
  const packages = [...new Set(Object.keys(require.cache).flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))];
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size;
  writeFileSync(`${process.env.REPORT}.part`, JSON.stringify({ packages, young }));
  renameSync(`${process.env.REPORT}.part`, process.env.REPORT);
});
