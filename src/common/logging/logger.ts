import { Injectable, type LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Level, type Logger as Pino } from 'pino';
import { activeTraceId } from '../tracing/tracing.js';
import { LogDestination, logToStandardOutput } from './log-destination.js';

export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured JSON log lines. What is logged is chosen field by field: request bodies, headers, query strings and SQL are never handed to it.
 */
@Injectable()
export class Logger implements LoggerService {
  private readonly pino: Pino;

  /** @param destination must neither throw nor wait */
  constructor(
    level: Level | 'silent',
    private readonly destination: LogDestination | DestinationStream = logToStandardOutput(),
  ) {
    if (destination instanceof LogDestination) {
      destination.onRecovery = ({ lines, reason }) => this.warn('log lines were lost', { lines, reason });
    }
    this.pino = pino({ level, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) }, base: { pid: process.pid }, mixin: traceOf }, destination);
  }

  isDebug(): boolean {
    return this.pino.isLevelEnabled('debug');
  }

  info(message: string, fields: LogFields = {}): void {
    this.pino.info(fields, message);
  }

  warn(message: string, fields?: LogFields | string): void {
    this.pino.warn(asFields(fields), message);
  }

  debug(message: string, fields?: LogFields | string): void {
    this.pino.debug(asFields(fields), message);
  }

  /** @param error described by {@link describeError}: its kind and place, without SQL, values or a stack */
  failure(message: string, error: unknown, fields: LogFields = {}): void {
    this.pino.error({ ...fields, error: describeError(error) }, message);
  }

  /** Nest's own start-up messages (routes mapped, modules loaded) are of interest to developers only. */
  log(message: string, context?: string): void {
    this.pino.debug({ context }, message);
  }

  error(message: unknown, ...rest: unknown[]): void {
    if (message instanceof Error) this.failure('error', message);
    else this.pino.error({ context: rest.at(-1) }, String(message));
  }

  /** Lines that the destination did not take. */
  get droppedLines(): number {
    return this.destination instanceof LogDestination ? this.destination.dropped : 0;
  }

  /** Resolves with whether everything was written; after `withinMs` at the latest. */
  flush(withinMs: number): Promise<boolean> {
    return this.destination instanceof LogDestination ? this.destination.flush(withinMs) : Promise.resolve(true);
  }
}

/** By which a line is found from its trace, and the other way. */
function traceOf(): object {
  const id = activeTraceId();
  return id === undefined ? {} : { trace_id: id };
}

const asFields = (fields?: LogFields | string): LogFields => (typeof fields === 'string' ? { context: fields } : (fields ?? {}));

interface ErrorDescription {
  type: string;
  code?: string;
  message?: string;
  at?: string;
  cause?: ErrorDescription;
}

/** Names and codes, and the message of errors that are ours; a database error's message can repeat values and its fields hold the SQL. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  const fromDatabase = 'query' in error || 'sql' in error || 'sqlMessage' in error || error.name === 'SqliteError';
  const frame = /\n\s+at (?:.*\()?(?:file:\/\/)?([^()\n]+:\d+:\d+)\)?/.exec(error.stack ?? '')?.[1];
  return {
    type: error.name,
    ...(code === undefined && errno === undefined ? {} : { code: String(code ?? errno) }),
    ...(fromDatabase ? {} : { message: error.message }),
    ...(frame ? { at: frame.replace(/^.*\/(?=(?:dist|src|node_modules)\/)/, '') } : {}),
    ...(error.cause ? { cause: describeError(error.cause) } : {}),
  };
}
