import { setTimeout as sleep } from 'node:timers/promises';
import { isActive, refresh } from './mintgate.mjs';

const RECENT = 12;

/** One session as its client sees it: it holds the last refresh token that it was answered, and presents that, whatever happened to its last request. */
export class Session {
  refreshes = 0;

  constructor(client, token) {
    this.client = client;
    this.first = this.held = token;
    /** Every token that may have been made lately, also those whose answers never arrived. */
    this.made = [token];
  }

  /** A token that the server was seen to answer. */
  note(token) {
    if (!this.made.includes(token)) this.made.push(token);
    this.made.splice(0, this.made.length - RECENT);
  }

  /** Presents the token that it holds. @returns the status; 0 when no whole answer came */
  async refresh(origin) {
    let answer;
    try {
      answer = await refresh(origin, this.client, this.held);
    } catch {
      return 0;
    }
    if (answer.status !== 200) return answer.status;
    // Not whole after all: the connection ended within the body.
    if (answer.body.refresh_token === undefined) return 0;
    this.held = answer.body.refresh_token;
    this.note(this.held);
    this.refreshes++;
    return 200;
  }

  /** As {@link refresh}, again for as long as the server says that it cannot now. */
  async refreshPatiently(origin, withinMs = 15_000) {
    for (const end = performance.now() + withinMs; ; await sleep(50)) {
      const status = await this.refresh(origin);
      if ((status !== 503 && status !== 0) || performance.now() > end) return status;
    }
  }

  /** Which of the tokens that may have been made lately are good. */
  async live(origin) {
    const active = await Promise.all(this.made.map((token) => isActive(origin, this.client, token)));
    return this.made.filter((_, index) => active[index]);
  }

  /** Whether the token that it holds, and no other, is good. Kinds: `sound`, `lost`, `forked`. */
  async state(origin) {
    const live = await this.live(origin);
    if (live.length > 1) return 'forked';
    return live[0] === this.held ? 'sound' : 'lost';
  }

  /** Whether the first token of all is refused, and with it, from then on, the whole lineage: so nothing else was alive. Ends the session. */
  async endsByReuse(origin) {
    const { held } = this;
    const statuses = [(await refresh(origin, this.client, this.first)).status, (await refresh(origin, this.client, held)).status];
    return statuses.every((status) => status === 400) && (await this.live(origin)).length === 0;
  }
}
