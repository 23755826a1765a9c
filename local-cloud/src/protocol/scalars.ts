import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../errors.js';

/** Timestamp formats, numbered as in the SDK's schemas (Smithy 2.0, `timestampFormat` trait). */
export const TimestampFormat = { dateTime: 5, httpDate: 6, epochSeconds: 7 } as const;
export type TimestampFormat = (typeof TimestampFormat)[keyof typeof TimestampFormat];

/** The format of a timestamp: its own when the model names one, else the protocol's default. */
export function timestampFormat(schema: NormalizedSchema, fallback: TimestampFormat): TimestampFormat {
  const own: unknown = schema.getSchema();
  return own === 5 || own === 6 || own === 7 ? own : fallback;
}

/** Writes a scalar as text, for headers, query strings, labels and XML. */
export function scalarToText(schema: NormalizedSchema, value: unknown, fallback: TimestampFormat): string {
  if (value instanceof Date) {
    switch (timestampFormat(schema, fallback)) {
      case TimestampFormat.dateTime:
        return value.toISOString();
      case TimestampFormat.httpDate:
        return value.toUTCString();
      default:
        return String(value.getTime() / 1000);
    }
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return String(value);
}

/**
 * Reads a scalar from text.
 *
 * @param where the member's name, for the error.
 * @throws AwsError `SerializationException` when the text is not of the member's type.
 */
export function scalarFromText(
  schema: NormalizedSchema,
  text: string,
  fallback: TimestampFormat,
  where: string,
): unknown {
  if (schema.isTimestampSchema()) return dateFromText(text, timestampFormat(schema, fallback), where);
  if (schema.isBlobSchema()) return new Uint8Array(Buffer.from(text, 'base64'));
  if (schema.isBooleanSchema()) {
    if (text === 'true' || text === 'false') return text === 'true';
    throw wrongType(where, 'a boolean');
  }
  if (schema.isNumericSchema() || schema.isBigIntegerSchema() || schema.isBigDecimalSchema()) {
    const number = Number(text);
    if (text.trim() === '' || Number.isNaN(number)) throw wrongType(where, 'a number');
    return number;
  }
  return text;
}

function dateFromText(text: string, format: TimestampFormat, where: string): Date {
  const date = new Date(format === TimestampFormat.epochSeconds ? Number(text) * 1000 : text);
  if (Number.isNaN(date.getTime())) throw wrongType(where, 'a timestamp');
  return date;
}

/** The error of a member that has another type than the model says. */
export function wrongType(where: string, expected: string): AwsError {
  return new AwsError('SerializationException', `Value at '${where}' is not ${expected}`);
}
