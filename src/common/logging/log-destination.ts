import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';

/** Characters that may wait for a reader that is slow, or gone. */
const MAX_WAITING = 16 * 1024 * 1024;
/** PIPE_BUF of Linux: a pipe takes so much as a whole or not at all, so lines of several workers never mix. */
const ATOMIC_WRITE = 4_096;
const FIRST_RETRY_MS = 5;
const MAX_RETRY_MS = 100;
/** A write that has not returned after this time may never return. */
const STUCK_MS = 1_000;

const RETRIED: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EBUSY', 'EINTR']);
const NOTHING = Buffer.alloc(0);
const LINE_END = 0x0a;

/** Lines that a destination did not take, and the code of the last error. */
export interface LostLines {
  readonly lines: number;
  readonly reason: string;
}

/**
 * Writes log lines to a file descriptor. A destination that fails or has no reader costs log lines and nothing else: no call
 * throws or waits, what waits is bounded, and the next line is tried again.
 */
export class LogDestination {
  /** Lines that were lost since the process started. */
  dropped = 0;
  /** Receives what was lost once the destination takes lines again. */
  onRecovery: ((lost: LostLines) => void) | undefined;
  private fd: number | undefined;
  private waiting: string[] = [];
  private waitingLength = 0;
  private unwritten: Buffer = NOTHING;
  private busy = false;
  private writingSince: number | undefined;
  private retryMs = 0;
  /** Whether the last bytes that the destination took are a part of a line. */
  private torn = false;
  /** Whether the last write succeeded. */
  private takesLines = true;
  private lostBefore = 0;
  private lastError = '';
  private readonly idle: (() => void)[] = [];

  /** @param open opens the destination at the first line, so that a process that logs nothing opens nothing */
  constructor(private readonly open: () => number) {}

  write(line: string): void {
    if (this.waitingLength + line.length > MAX_WAITING) {
      this.lose(1, 'FULL');
      return;
    }
    this.waiting.push(line);
    this.waitingLength += line.length;
    if (!this.busy) this.writeNext();
  }

  /** Resolves with whether everything was written; after `withinMs` at the latest. */
  flush(withinMs: number): Promise<boolean> {
    if (!this.busy) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), withinMs);
      this.idle.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /**
   * For the `exit` event, when nothing asynchronous runs any more: writes what can be written without waiting. Node joins its
   * threads when it exits, so with one that is stuck in a write only a signal ends the process.
   */
  end(): void {
    if (this.isStuck) process.kill(process.pid, 'SIGKILL');
    if (this.writingSince !== undefined || this.retryMs > 0) return;
    try {
      for (let chunk = this.take(); chunk.length > 0; chunk = this.take()) writeSync(this.descriptor(), chunk);
    } catch {
      // Lost: the process ends.
    }
  }

  private get isStuck(): boolean {
    return this.writingSince !== undefined && performance.now() - this.writingSince > STUCK_MS;
  }

  private descriptor(): number {
    return (this.fd ??= this.open());
  }

  private writeNext(): void {
    if (this.unwritten.length === 0) this.unwritten = this.take();
    this.busy = this.unwritten.length > 0;
    if (!this.busy) {
      this.reportLost();
      for (const resolve of this.idle.splice(0)) resolve();
      return;
    }
    this.writingSince = performance.now();
    write(this.descriptor(), this.unwritten, (error, written) => {
      this.writingSince = undefined;
      if (error && RETRIED.has(error.code)) return this.tryLater();
      if (error) this.giveUp(error);
      else this.advance(written);
      this.writeNext();
    });
  }

  private take(): Buffer {
    if (this.waiting.length === 0) return NOTHING;
    let count = 1;
    let text = this.waiting[0];
    while (count < this.waiting.length && text.length + this.waiting[count].length <= ATOMIC_WRITE) text += this.waiting[count++];
    this.waiting.splice(0, count);
    this.waitingLength -= text.length;
    return Buffer.from(this.torn ? `\n${text}` : text);
  }

  private advance(written: number): void {
    this.retryMs = 0;
    if (written > 0) this.torn = this.unwritten[written - 1] !== LINE_END;
    this.unwritten = this.unwritten.subarray(written);
    this.takesLines = true;
  }

  private reportLost(): void {
    if (this.lostBefore === 0 || !this.takesLines) return;
    const lost = { lines: this.lostBefore, reason: this.lastError };
    this.lostBefore = 0;
    this.onRecovery?.(lost);
  }

  private tryLater(): void {
    this.retryMs = Math.min(this.retryMs * 2 || FIRST_RETRY_MS, MAX_RETRY_MS);
    setTimeout(() => this.writeNext(), this.retryMs).unref();
  }

  private giveUp(error: NodeJS.ErrnoException): void {
    this.retryMs = 0;
    let lines = 0;
    for (const byte of this.unwritten.subarray(this.unwritten[0] === LINE_END ? 1 : 0)) if (byte === LINE_END) lines++;
    this.unwritten = NOTHING;
    this.takesLines = false;
    this.lose(lines, error.code ?? error.name);
  }

  private lose(lines: number, reason: string): void {
    this.dropped += lines;
    this.lostBefore += lines;
    this.lastError = reason;
  }
}

let standardOutput: LogDestination | undefined;

/** The one destination of this process on standard output. */
export function logToStandardOutput(): LogDestination {
  if (!standardOutput) {
    const destination = new LogDestination(() => openWithoutBlocking(1));
    process.on('exit', () => destination.end());
    standardOutput = destination;
  }
  return standardOutput;
}

/**
 * Returns a descriptor for what `fd` is open on. A write to a full pipe or socket must return rather than hold one of the few
 * threads that Node has for files, look-ups of names and cryptography.
 */
export function openWithoutBlocking(fd: 1 | 2): number {
  const file = fstatSync(fd);
  if (file.isFIFO()) {
    try {
      // A description of our own: the flag is not shared with other processes, nor taken off when a worker is forked.
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      // There is no /proc, or the pipe belongs to another user.
    }
  }
  // Node sets a pipe or socket to non-blocking when its stream is made.
  if (file.isFIFO() || file.isSocket()) void (fd === 1 ? process.stdout : process.stderr);
  return fd;
}
