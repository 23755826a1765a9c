import { open, rm } from 'node:fs/promises';
import type { Clock } from '../clock.js';
import { DeviceError } from '../errors.js';
import type { Log } from '../log/device-log.js';
import { LOG_LEVELS, type LogSource } from './configuration.js';
import {
  characterEnd,
  EVENT_OVERHEAD_BYTES,
  type LogEvent,
  type LogText,
  MAX_BATCH_BYTES,
  MAX_BATCH_EVENTS,
  pieces,
  splitEvents,
  startsWithText,
  streamName,
  structuredOf,
  timeOf,
} from './events.js';
import { type LogFileOnDisk, listLogFiles, removeBeyond } from './log-files.js';
import type { UploadPositions } from './positions.js';

/** Where log events go. */
export interface LogDestination {
  /**
   * Puts events, in the order of their times, into a stream, and makes group and stream when they are not there.
   *
   * @throws DeviceError REQUEST_REFUSED when these events will never be taken; anything else may be tried again
   */
  put(group: string, stream: string, events: readonly LogEvent[], signal: AbortSignal): Promise<void>;
}

export interface UploadOptions {
  readonly thingName: string;
  readonly region: string;
  readonly destination: LogDestination;
  readonly positions: UploadPositions;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** An event that ends a file which was written to this long ago is complete, in milliseconds. */
const SETTLED_AFTER = 2_000;
/** CloudWatch Logs takes no older events. */
const OLDEST = 14 * 86_400_000;
/** Read at once. Bytes that are no text become three each, and must still fit into one request. */
const READ_BYTES = 320 * 1024;

/**
 * Uploads what is new in a log's files. Each batch is a piece of one file, and its end is on disk before the
 * next one is sent: of what CloudWatch Logs has taken nothing is sent again, unless the device is cut off
 * between the two.
 *
 * @throws what the destination fails with, or the signal's reason; the rest is for the next time
 */
export async function uploadLog(source: LogSource, options: UploadOptions): Promise<void> {
  const files = await listLogFiles(source);
  options.positions.keep(source.component, new Set(files.map(({ identity }) => identity)));
  for (const [index, file] of files.entries()) {
    options.signal.throwIfAborted();
    const isActive = index === files.length - 1;
    await uploadFile(source, file, isActive, options);
    const isDone = options.positions.get(source.component, file.identity) >= file.size;
    if (source.deletesUploaded && !isActive && isDone) await rm(file.path, { force: true });
  }
  if (source.diskSpaceLimit !== undefined) {
    const removed = await removeBeyond(await listLogFiles(source), source.diskSpaceLimit);
    for (const name of removed) {
      options.log(
        'info',
        `Removed ${name}: the logs of ${source.component} have reached their disk space limit`,
      );
    }
  }
}

async function uploadFile(
  source: LogSource,
  file: LogFileOnDisk,
  isActive: boolean,
  options: UploadOptions,
): Promise<void> {
  const { positions, clock, destination, region, signal, log } = options;
  let position = positions.get(source.component, file.identity);
  // Cut off by whoever writes it.
  if (position > file.size) position = 0;
  if (position >= file.size) return;
  const group = `/aws/greengrass/${source.type}/${region}/${source.component}`;
  const isSettled = clock.now() - file.modified >= SETTLED_AFTER;
  const startsEvent = lineTest(source);
  const handle = await open(file.path, 'r');
  try {
    const buffer = Buffer.alloc(READ_BYTES);
    let before: number | undefined;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      const bytes = buffer.subarray(0, bytesRead);
      const isWhole = !isActive || (isSettled && bytes.at(-1) === 0x0a);
      const isEnd = bytesRead < buffer.length && isWhole;
      let texts = splitEvents(bytes, startsEvent, isEnd);
      if (texts.length === 0 && bytesRead === buffer.length) {
        // An event larger than what is read at once goes in parts.
        texts = splitEvents(bytes.subarray(0, characterEnd(bytes, bytes.length - 4)), startsEvent, true);
      }
      if (texts.length === 0) return;
      const batch = nextBatch(texts, source, options, before);
      before = batch.lastTime;
      if (batch.tooOld > 0) {
        log(
          'warn',
          `${batch.tooOld} events of ${file.name} are older than CloudWatch Logs takes and are left out`,
        );
      }
      if (batch.events.length > 0) {
        await putOrSkip(() => destination.put(group, batch.stream, batch.events, signal), file, log);
      }
      position += batch.bytes;
      positions.set(source.component, file.identity, position);
    }
  } finally {
    await handle.close();
  }
}

interface Batch {
  readonly stream: string;
  readonly events: readonly LogEvent[];
  /** Of the file, that the batch stands for. */
  readonly bytes: number;
  readonly tooOld: number;
  readonly lastTime: number;
}

/** As many events from the first on as one request takes; all of one day, as they go to one stream. */
function nextBatch(
  texts: readonly LogText[],
  { minimumLevel }: LogSource,
  { clock, thingName }: UploadOptions,
  before: number | undefined,
): Batch {
  const events: LogEvent[] = [];
  let [bytes, batchBytes, tooOld] = [0, 0, 0];
  let stream: string | undefined;
  let lastTime = before ?? clock.now();
  for (const { text, bytes: textBytes } of texts) {
    const structured = structuredOf(text);
    // What has no time was written after what stands before it.
    const timestamp = structured?.timestamp ?? timeOf(text) ?? lastTime;
    const messages = pieces(text);
    const isTooOld = timestamp < clock.now() - OLDEST;
    const isTooLight =
      structured !== undefined && LOG_LEVELS.indexOf(structured.level) < LOG_LEVELS.indexOf(minimumLevel);
    if (messages.length > 0 && !isTooOld && !isTooLight) {
      const own = streamName(timestamp, thingName);
      const size = messages.reduce(
        (sum, message) => sum + Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES,
        0,
      );
      const isFull =
        batchBytes + size > MAX_BATCH_BYTES || events.length + messages.length > MAX_BATCH_EVENTS;
      if (events.length > 0 && (isFull || own !== stream)) break;
      stream = own;
      batchBytes += size;
      events.push(...messages.map((message) => ({ timestamp, message })));
    }
    if (isTooOld) tooOld++;
    lastTime = timestamp;
    bytes += textBytes;
  }
  return {
    stream: stream ?? '',
    events: events.sort((a, b) => a.timestamp - b.timestamp),
    bytes,
    tooOld,
    lastTime,
  };
}

/** What is refused for good must not keep back all that comes after it. */
async function putOrSkip(put: () => Promise<void>, file: LogFileOnDisk, log: Log): Promise<void> {
  try {
    await put();
  } catch (error) {
    if (!(error instanceof DeviceError && error.code === 'REQUEST_REFUSED')) throw error;
    log('error', `Events of ${file.name} are left out: ${error.message}`);
  }
}

function lineTest({ multiLineStart }: LogSource): (line: string) => boolean {
  if (!multiLineStart) return startsWithText;
  return (line) => multiLineStart.test(line);
}
