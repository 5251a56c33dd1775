const { accessSync, constants, statfsSync } = require('node:fs');
const { tmpdir } = require('node:os');

const SHARED_MEMORY = '/dev/shm';
const ENOUGH_BYTES = 1024 ** 3;

/** Where test databases live: in memory where there is room, since making a hundred of them waits for the disk more than for anything else. */
function temporaryFolder() {
  try {
    accessSync(SHARED_MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    if (bavail * bsize >= ENOUGH_BYTES) return SHARED_MEMORY;
  } catch {
    // Not on this system.
  }
  return tmpdir();
}

module.exports = { temporaryFolder };
