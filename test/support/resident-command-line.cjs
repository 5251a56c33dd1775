// The command line in a process that stays: each command finds the application loaded, which is most of what a process for each of them costs.
const { Readable } = require('node:stream');
const { runCommandLine } = require('../../dist/src/cli/run-command-line.js');

let queue = Promise.resolve();

process.on('message', (command) => (queue = queue.then(() => runHere(command))));
process.on('disconnect', () => process.exit());

async function runHere({ id, args, folder, env, input }) {
  process.chdir(folder);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true });
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  const code = await runCommandLine(args);
  process.send({ id, code, stdout: stdout.end(), stderr: stderr.end() });
}

function capture(stream) {
  const { write } = stream;
  let text = '';
  stream.write = (chunk, encoding, done) => {
    text += chunk.toString();
    (typeof encoding === 'function' ? encoding : done)?.();
    return true;
  };
  return { end: () => ((stream.write = write), text) };
}
