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
  let line = `${timeText(now)} [${event.level.toUpperCase()}] (${event.thread}) ${event.logger}: `;
  if (event.event !== undefined) line += `${oneLine(event.event)}. `;
  if (event.message !== undefined) line += `${oneLine(event.message)}. `;
  let fields = '';
  for (const key in event.fields) {
    fields += `${fields === '' ? '' : ', '}${key}=${oneLine(String(event.fields[key]))}`;
  }
  return `${line}{${fields}}`;
}

/** A line of the log stays one line whatever a component prints. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll('\r', '').replaceAll('\n', '\\n') : text;
}

let lastTime = Number.NaN;
let lastTimeText = '';

/** ISO 8601; lines that are printed at once share it. */
function timeText(now: number): string {
  if (now !== lastTime) {
    lastTimeText = new Date(now).toISOString();
    lastTime = now;
  }
  return lastTimeText;
}

/** The device's logs: `greengrass.log` and one per component. */
export class GreengrassLogs {
  readonly #files = new Map<string, LogFile>();
  /** Lines of components that are written together at the end of this turn. */
  readonly #pending = new Map<string, string[]>();

  constructor(
    private readonly folder: string,
    private readonly clock: Clock,
    private readonly bounds: LogBounds = DEFAULT_LOG_BOUNDS,
    /** The nucleus's `logging.level` at its default drops what is for debugging. */
    private readonly withDebug = false,
  ) {}

  /** Writes to `greengrass.log`. */
  system(event: LogEvent): void {
    if (this.#isLeftOut(event)) return;
    const now = this.clock.now();
    this.#file('greengrass').write([formatLogEvent(event, now)], now);
  }

  /**
   * Writes to a component's own log. What it prints at once is written at once: a component that prints without
   * end costs a write for each piece that is read of it, not for each line.
   */
  component(name: string, event: LogEvent): void {
    if (this.#isLeftOut(event)) return;
    if (this.#pending.size === 0) queueMicrotask(() => this.#flush());
    const line = formatLogEvent(event, this.clock.now());
    const lines = this.#pending.get(name);
    if (lines) lines.push(line);
    else this.#pending.set(name, [line]);
  }

  /** A logger for `greengrass.log` under a name. */
  logger(logger: string): Log {
    return (level, message, fields) =>
      this.system({ level, thread: 'main', logger, message, ...(fields && { fields }) });
  }

  #flush(): void {
    const now = this.clock.now();
    for (const [name, lines] of this.#pending) this.#file(name).write(lines, now);
    this.#pending.clear();
  }

  #isLeftOut({ level }: LogEvent): boolean {
    return level === 'debug' && !this.withDebug;
  }

  #file(name: string): LogFile {
    let file = this.#files.get(name);
    if (!file) {
      file = new LogFile(join(this.folder, `${name}.log`), this.bounds);
      this.#files.set(name, file);
    }
    return file;
  }
}
