// One argon2id for each request, whatever it asks for, in the only thread there is; by the library and with the parameters that Mintgate has. It
// knows no user, no client and no token.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { hashRawSync } from '@node-rs/argon2';

const { HOST, PORT } = process.env;
const ARGON2ID = 2;
const PARAMETERS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32, salt: randomBytes(16) };

createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const password = new URLSearchParams(Buffer.concat(chunks).toString()).get('password') ?? '';
    const text = JSON.stringify({ access_token: hashRawSync(password, PARAMETERS).toString('base64url') });
    res.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(text) });
    res.end(text);
  });
}).listen(Number(PORT), HOST);
