import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './common/logging/logger.js';

const FLUSH_MS = 1_000;
const THREADS_MS = 1_000;
const CHECK_MS = 20;
/** Before the end of the time to stop, so that whoever sent the signal never sees it pass. */
export const MARGIN_MS = 200;
/** Requests are cut off so long before the end of the time to stop, or by a quarter of it, so that the rest can be written. */
const MAX_RESERVE_MS = 5_000;

/** Calls into the operating system that run in a thread of libuv and return when the file system or the resolver does. */
const SYSTEM_CALL = /^(?:FSReq|GetAddrInfoReq|GetNameInfoReq)/;

/** Returns when requests that still run are cut off, for a process that must have ended by `timeoutMs`. */
export const requestsEndMs = (timeoutMs: number): number => timeoutMs - Math.min(MAX_RESERVE_MS, timeoutMs / 4);

/**
 * Kills this process shortly before `timeoutMs` is over. For whatever keeps an orderly stop from its end: a database, a timer,
 * a log that takes no lines.
 */
export function endWithin(timeoutMs: number): void {
  setTimeout(kill, timeoutMs - MARGIN_MS).unref();
}

/**
 * Writes what the log still holds and ends the process. Node joins the threads of libuv when it exits, so `process.exit()` never
 * returns while one is stuck in a system call: then only a signal ends the process.
 */
export async function endProcess(code: number, logger?: Logger): Promise<never> {
  await logger?.flush(FLUSH_MS);
  const deadline = performance.now() + THREADS_MS;
  while (inSystemCall() && performance.now() < deadline) await sleep(CHECK_MS);
  if (inSystemCall()) kill();
  process.exit(code);
}

const inSystemCall = (): boolean => process.getActiveResourcesInfo().some((resource) => SYSTEM_CALL.test(resource));

function kill(): void {
  process.kill(process.pid, 'SIGKILL');
}
