/** Text of log files as events of CloudWatch Logs. */
import { z } from 'zod';
import { LOG_LEVELS, type LogLevel } from './configuration.js';

/** A piece of a log file: one event, over several lines when those after the first continue it. */
export interface LogText {
  readonly text: string;
  /** Of the file, line ends included. */
  readonly bytes: number;
}

/** An event to be put, and the bytes of the file that it stands for. */
export interface LogEvent {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly message: string;
}

/** PutLogEvents: an event's message and 26 bytes for each event, in a batch of a mebibyte and 10,000 events. */
export const EVENT_OVERHEAD_BYTES = 26;
export const MAX_BATCH_BYTES = 1_048_576;
export const MAX_BATCH_EVENTS = 10_000;
const MAX_EVENT_BYTES = 256 * 1024 - EVENT_OVERHEAD_BYTES;
const NEWLINE = 0x0a;

/**
 * Splits bytes of a log file into events. Every byte of complete events is counted in exactly one of them.
 *
 * @param startsEvent whether a line begins an event
 * @param isEnd whether nothing comes after these bytes: then the last event is complete, with or without a line end
 */
export function splitEvents(
  bytes: Buffer,
  startsEvent: (line: string) => boolean,
  isEnd: boolean,
): readonly LogText[] {
  const events: LogText[] = [];
  let start = 0;
  let lineStart = 0;
  const complete = (end: number) => {
    if (end === start) return;
    events.push({ text: withoutLineEnd(bytes.toString('utf8', start, end)), bytes: end - start });
    start = end;
  };
  while (lineStart < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, lineStart);
    if (newline < 0 && !isEnd) return events;
    const lineEnd = newline < 0 ? bytes.length : newline + 1;
    if (startsEvent(withoutLineEnd(bytes.toString('utf8', lineStart, lineEnd)))) complete(lineStart);
    lineStart = lineEnd;
  }
  if (isEnd) complete(bytes.length);
  return events;
}

/** The real core's default: what begins with white space, or is empty, continues the line before. */
export function startsWithText(line: string): boolean {
  return line !== '' && !/^\s/.test(line);
}

/** The nucleus's JSON format, as far as uploads look into it. */
const Structured = z.object({ timestamp: z.number(), level: z.string() });

/** The level and time that an event of the nucleus's JSON format has; undefined for any other text. */
export function structuredOf(text: string): { timestamp: number; level: LogLevel } | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const parsed = Structured.safeParse(JSON.parse(text));
    const level = LOG_LEVELS.find((name) => name === parsed.data?.level.toUpperCase());
    return parsed.success && level ? { timestamp: parsed.data.timestamp, level } : undefined;
  } catch {
    return undefined;
  }
}

/** Longest text that is looked at for a time; ISO 8601 needs less. */
const TIME_TEXT = 40;

/** The time an event begins with, in ISO 8601 with a zone, as the nucleus writes it; undefined when there is none. */
export function timeOf(text: string): number | undefined {
  const match = /^[^\w]*(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))/.exec(
    text.slice(0, TIME_TEXT),
  );
  const time = match?.[1] === undefined ? Number.NaN : Date.parse(match[1]);
  return Number.isNaN(time) ? undefined : time;
}

/** The pieces of a text that each fit into one event, cut between characters. */
export function pieces(text: string, maxBytes = MAX_EVENT_BYTES): readonly string[] {
  if (Buffer.byteLength(text) <= maxBytes) return text === '' ? [] : [text];
  const bytes = Buffer.from(text, 'utf8');
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + characterEnd(bytes.subarray(start), Math.min(maxBytes, bytes.length - start));
    parts.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return parts;
}

/** The last end of a character up to `end`: bytes that continue one begin with the bits 10. */
export function characterEnd(bytes: Buffer, end: number): number {
  for (let boundary = end; boundary > Math.max(0, end - 4); boundary--) {
    if (((bytes[boundary] ?? 0) & 0xc0) !== 0x80) return boundary;
  }
  return end; // No UTF-8 anyway.
}

/** `/{yyyy/MM/dd}/thing/{thing}`, the day in UTC; a name of a stream has no colon. */
export function streamName(timestamp: number, thingName: string): string {
  const day = new Date(timestamp).toISOString().slice(0, 10).replaceAll('-', '/');
  return `/${day}/thing/${thingName.replaceAll(':', '+')}`;
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
