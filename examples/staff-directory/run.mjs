// Runs the API and the website until one of them ends, or Ctrl-C.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const children = ['api.mjs', 'website.mjs'].map((program) => spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url))], { stdio: 'inherit' }));

const stop = () => children.forEach((child) => child.kill());

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
for (const child of children) {
  child.on('exit', (code) => {
    process.exitCode ||= code ?? 0;
    stop();
  });
}
