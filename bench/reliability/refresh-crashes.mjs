// kill -9 of the server in the midst of refreshes, and what its clients have afterwards.
//
//   node bench/reliability/refresh-crashes.mjs [--database mariadb|sqlite] [--rounds 200] [--families 4] [--window 10]
//
// In each round several sessions refresh in a loop until the server is killed: by turns at a random moment and at points of one rotation that are told from
// the bytes on the wire. It starts again, and every client presents the token that it was answered last. `--window` is REFRESH_RETRY_WINDOW_SECONDS, which
// has to be longer than the server is away. Prints one line of JSON; exit status 0 when no session was lost or forked, 1 when one was, 2 when that could
// not be found out. Needs dist/ (npm run build), and for MariaDB mariadbd on the PATH.
import { watch } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd, command, randomBelow, spread } from './command.mjs';
import { openDatabase } from './databases.mjs';
import { Session } from './ledger.mjs';
import { digestOf, Mintgate, signIn } from './mintgate.mjs';
import { PASS, Relay } from './relay.mjs';

const USAGE = 'node bench/reliability/refresh-crashes.mjs [--database mariadb|sqlite] [--rounds N] [--families N] [--window SECONDS]';
const MAX_TURNS = 4;
const REACHED_WITHIN_MS = 10_000;
const ANSWERED_TOKEN = /"refresh_token":"(mg_rt_[\w-]+)"/;

/** What the relays see of the one refresh at which the server is to be struck. */
class Trap {
  point = undefined;
  #victim = undefined;
  #struck;

  constructor(mintgate, database, http, sessions) {
    Object.assign(this, { mintgate, database, http });
    http.onRequest = (chunk, { notes }) => {
      const text = chunk.toString('latin1');
      notes.session ??= sessions.find(({ held }) => text.includes(held));
      if (notes.session !== this.#victim || this.#victim === undefined) return PASS;
      notes.victim = true;
      return this.#onVictimRequest(chunk);
    };
    http.onAnswer = (chunk, { notes }) => {
      const token = ANSWERED_TOKEN.exec(chunk.toString('latin1'))?.[1];
      if (token) notes.session?.note(token);
      return notes.victim ? this.#onVictimAnswer(chunk) : PASS;
    };
    if (database.relay) {
      database.relay.onRequest = (chunk, { notes }) => (this.#isVictimsUpdate(chunk) ? this.#onUpdate(chunk, notes) : PASS);
      database.relay.onAnswer = (chunk, { notes }) => (notes.updating ? this.#onUpdated(chunk, notes) : PASS);
    } else {
      const watcher = watch(database.folder, (_, file) => {
        if (this.requested && this.point === 'commit' && file === basename(database.writeAheadLog)) this.#strike();
      });
      atEnd(() => watcher.close());
    }
  }

  /** Strikes the server at a point of the victim's next refresh. The promise resolves when it has. */
  set(point, victim) {
    this.point = point;
    this.#victim = victim;
    this.requested = false;
    this.digest = digestOf(victim.held);
    const struck = new Promise((resolve) => (this.#struck = resolve));
    if (point === 'random') setTimeout(() => this.#strike(), randomBelow(120));
    return struck;
  }

  #strike() {
    if (!this.#struck) return;
    this.mintgate.strike();
    for (const relay of [this.http, this.database.relay]) relay?.freeze();
    this.#struck();
    this.#struck = undefined;
    this.#victim = undefined;
    this.point = undefined;
  }

  #onVictimRequest(chunk) {
    this.requested = true;
    // It has the whole request, and no time for it.
    if (this.point === 'request') setTimeout(() => this.#strike(), 0);
    return chunk;
  }

  /** The statement is prepared: what passes are its parameters, of which the digest is in no other one's. */
  #isVictimsUpdate(chunk) {
    return this.#struck && this.#victim && chunk.includes(this.digest);
  }

  #onUpdate(chunk, notes) {
    if (this.point === 'before UPDATE') {
      this.#strike();
      return Buffer.alloc(0);
    }
    notes.updating = true;
    // After the relay has written it; whether it is carried out is for the database to say.
    if (this.point === 'before COMMIT') setTimeout(() => this.#strike(), 0);
    return chunk;
  }

  #onUpdated(chunk, notes) {
    notes.updating = false;
    if (this.point !== 'after COMMIT') return PASS;
    // Either the server never hears of it, or it does, and its answer is stopped on the way out.
    if (Math.random() < 0.5) return PASS;
    this.#strike();
    return Buffer.alloc(0);
  }

  #onVictimAnswer(chunk) {
    if (this.point === 'after COMMIT' || this.point === 'answer') {
      this.#strike();
      return Buffer.alloc(0);
    }
    if (this.point !== 'mid-answer') return PASS;
    const part = chunk.subarray(0, 1 + randomBelow(chunk.length - 1));
    // Once the part is on its way.
    setTimeout(() => this.#strike(), 0);
    this.point = 'nothing more';
    return part;
  }
}

const POINTS = {
  mariadb: ['before UPDATE', 'before COMMIT', 'after COMMIT', 'mid-answer', 'random'],
  sqlite: ['request', 'commit', 'answer', 'mid-answer', 'random'],
};

async function run({ database: kind, rounds, families, window }) {
  const database = await openDatabase(kind);
  const mintgate = await Mintgate.start(database.url, { REFRESH_RETRY_WINDOW_SECONDS: String(window) });
  const { client, tokens } = await signIn(mintgate.origin, families);
  const sessions = tokens.map((token) => new Session(client, token));
  const http = await Relay.to(mintgate.port);
  const endHttp = atEnd(() => http.close());
  const throughRelay = `http://127.0.0.1:${http.port}`;
  const trap = new Trap(mintgate, database, http, sessions);

  const points = Object.fromEntries(POINTS[kind].map((point) => [point, { rounds: 0, committed: 0 }]));
  const found = { lost: 0, forked: 0 };
  const unexpected = {};
  const restarts = [];
  for (let round = 0; round < rounds; round++) {
    const point = POINTS[kind][round % POINTS[kind].length];
    const victim = sessions[randomBelow(sessions.length)];
    let struck;
    let over = false;
    // Whose commit it is that changes the log can be told only of one at a time.
    let alone = false;
    let asking = 0;
    const loops = sessions.map(async (session) => {
      for (let turn = 0, turns = randomBelow(MAX_TURNS); !over; turn++) {
        if (session === victim && turn === turns) {
          alone = point === 'commit';
          while (alone && asking > 0) await sleep(1);
          struck = trap.set(point, victim);
        }
        while (alone && session !== victim && !over) await sleep(1);
        asking++;
        const status = await session.refresh(throughRelay);
        asking--;
        if (status === 0) break;
        if (status !== 200) unexpected[status] = (unexpected[status] ?? 0) + 1;
      }
    });
    const { held } = await Promise.race([
      (async () => {
        while (!struck) await sleep(1);
        await struck;
        return victim;
      })(),
      sleep(REACHED_WITHIN_MS, undefined, { ref: false }).then(() => {
        throw new Error(`"${point}" was not reached in round ${round}`);
      }),
    ]);
    await mintgate.exited;
    over = true;
    await Promise.all(loops);
    points[point].rounds++;
    if (held === victim.held && !(await database.currentDigests()).has(digestOf(held))) points[point].committed++;

    restarts.push(await mintgate.restart());
    for (const session of sessions) {
      const status = await session.refreshPatiently(throughRelay);
      if (status !== 200) unexpected[status] = (unexpected[status] ?? 0) + 1;
      const state = status === 200 ? await session.state(mintgate.origin) : 'lost';
      if (state === 'sound') continue;
      found[state]++;
      console.error(`round ${round}, ${point}: a session is ${state}`);
    }
  }
  const endedByReuse = (await Promise.all(sessions.map((session) => session.endsByReuse(mintgate.origin)))).filter(Boolean).length;
  const sound = await database.sound();
  const refreshes = sessions.reduce((sum, session) => sum + session.refreshes, 0);
  await endHttp();
  await mintgate.end();
  await database.end();
  const passed = found.lost === 0 && found.forked === 0 && Object.keys(unexpected).length === 0 && endedByReuse === families && sound;
  return { refreshes, points, lost: found.lost, forked: found.forked, unexpected, endedByReuse, databaseSound: sound, restartMs: spread(restarts), passed };
}

await command(USAGE, { numbers: { rounds: [200, 1, 10_000], families: [4, 1, 50], window: [10, 0, 60] }, choices: { database: ['mariadb', 'sqlite'] } }, run, ({ rounds }) => 60 + rounds * 20);
