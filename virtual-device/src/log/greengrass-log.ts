import { join } from 'node:path';
import type { Clock } from '../clock.js';
import type { Log, LogFields } from './device-log.js';
import { DEFAULT_LOG_BOUNDS, type LogBounds, LogFile } from './log-file.js';

export interface LogEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** The nucleus puts its thread's name here. */
  readonly thread: string;
  readonly logger: string;
  readonly event?: string;
  readonly message?: string;
  readonly fields?: LogFields;
}

/** One line as the nucleus writes it in its text format. */
export function formatLogEvent(event: LogEvent, now: number): string {
  const fields = Object.entries(event.fields ?? {}).map(([key, value]) => `${key}=${oneLine(String(value))}`);
  const parts = [event.event, event.message]
    .filter((part) => part !== undefined)
    .map((part) => `${oneLine(part)}. `);
  const level = event.level.toUpperCase();
  return `${new Date(now).toISOString()} [${level}] (${event.thread}) ${event.logger}: ${parts.join('')}{${fields.join(', ')}}`;
}

/** A line of the log stays one line whatever a component prints. */
function oneLine(text: string): string {
  return text.replaceAll('\r', '').replaceAll('\n', '\\n');
}

/** The device's logs: `greengrass.log` and one per component. */
export class GreengrassLogs {
  readonly #files = new Map<string, LogFile>();

  constructor(
    private readonly folder: string,
    private readonly clock: Clock,
    private readonly bounds: LogBounds = DEFAULT_LOG_BOUNDS,
    /** The nucleus's `logging.level` at its default drops what is for debugging. */
    private readonly withDebug = false,
  ) {}

  /** Writes to `greengrass.log`. */
  system(event: LogEvent): void {
    this.#write('greengrass', event);
  }

  /** Writes to a component's own log. */
  component(name: string, event: LogEvent): void {
    this.#write(name, event);
  }

  /** A logger for `greengrass.log` under a name. */
  logger(logger: string): Log {
    return (level, message, fields) =>
      this.system({ level, thread: 'main', logger, message, ...(fields && { fields }) });
  }

  #write(name: string, event: LogEvent): void {
    if (event.level === 'debug' && !this.withDebug) return;
    let file = this.#files.get(name);
    if (!file) {
      file = new LogFile(join(this.folder, `${name}.log`), this.bounds);
      this.#files.set(name, file);
    }
    const now = this.clock.now();
    file.write(formatLogEvent(event, now), now);
  }
}
