import type { Clock, Timer } from '../../../clock.js';
import type { LogEvent, LogWriter } from '../../cloudwatch-logs/writer.js';

/** Largest event of CloudWatch Logs, less what it adds: longer lines are cut into several. */
const EVENT_LIMIT = 256 * 1024 - 26;
/** What one invocation may log, in bytes; more is dropped, which is said once. */
const INVOCATION_LIMIT = 8 * 1024 * 1024;
/** Bytes that are collected before they are written. */
const BATCH = 64 * 1024;
/** Milliseconds after which what was collected is written. */
const DELAY = 250;
/** The end of the log that an invocation can ask for, in bytes. */
const TAIL = 4096;

/** What an invocation logs, on its way to CloudWatch Logs. */
export class InvocationLog {
  #batch: LogEvent[] = [];
  #batchSize = 0;
  #size = 0;
  #timer: Timer | undefined;
  #tail = Buffer.alloc(0);
  /** A line that a function has begun to write. */
  #partial = '';

  constructor(
    private readonly writer: LogWriter,
    private readonly clock: Clock,
    private readonly logGroup: string,
    private readonly logStream: string,
  ) {}

  /** Adds one event. */
  event(text: string): void {
    this.#endLine();
    this.#append(text);
  }

  /** Adds text as it was written: one event for each line. */
  output(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#append(line);
    if (this.#partial.length > EVENT_LIMIT) this.#endLine();
  }

  /** Adds a line of Lambda's own, which no limit drops. */
  platform(text: string): void {
    this.#endLine();
    this.#push(`${text}\n`);
  }

  /** The last 4 KB, in base64. */
  tail(): string {
    return this.#tail.toString('base64');
  }

  flush(): void {
    this.#endLine();
    this.#write();
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const events = this.#batch;
    this.#batch = [];
    this.#batchSize = 0;
    if (events.length > 0) this.writer.write(this.logGroup, this.logStream, events);
  }

  #endLine(): void {
    const line = this.#partial;
    this.#partial = '';
    if (line !== '') this.#append(line);
  }

  #append(text: string): void {
    if (this.#size > INVOCATION_LIMIT) return;
    const bytes = Buffer.from(text);
    this.#size += bytes.length;
    if (this.#size > INVOCATION_LIMIT) {
      this.#push(`The local cloud drops what this invocation logs beyond ${INVOCATION_LIMIT} bytes\n`);
      return;
    }
    if (bytes.length < EVENT_LIMIT) {
      this.#push(`${text}\n`);
      return;
    }
    for (let start = 0; start < bytes.length; start += EVENT_LIMIT) {
      this.#push(bytes.subarray(start, start + EVENT_LIMIT).toString('utf8'));
    }
  }

  #push(message: string): void {
    const bytes = Buffer.from(message);
    this.#batch.push({ timestamp: this.clock.now(), message });
    this.#batchSize += bytes.length;
    this.#tail = Buffer.from(Buffer.concat([this.#tail, bytes]).subarray(-TAIL));
    if (this.#batchSize >= BATCH) this.#write();
    else this.#timer ??= this.clock.after(DELAY, () => this.#write());
  }
}
