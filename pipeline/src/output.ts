import { stripVTControlCharacters, styleText } from 'node:util';
import { jobSummary } from './job-summary.js';

/** Where a command writes: results to `out`, progress and problems to `err`. */
export interface Output {
  /** A line of the result for people; left out when JSON is asked for. */
  line(text?: string): void;
  /** The result for machines; left out when people read. */
  data(value: unknown): void;
  /** A line of progress, on standard error. */
  progress(text: string): void;
  readonly json: boolean;
  style(format: Style, text: string): string;
}

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/**
 * Writes to the process's streams, and the result to the job summary too where there is one; colours only on a
 * terminal and without NO_COLOR.
 */
export function processOutput(json: boolean): Output {
  const colours = process.stdout.isTTY === true && !process.env.NO_COLOR && !json;
  const summary = jobSummary();
  return {
    json,
    line: (text = '') => {
      summary?.line(text);
      if (!json) process.stdout.write(`${text}\n`);
    },
    data: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    progress: (text) => {
      process.stderr.write(`${text}\n`);
    },
    style: (format, text) => (colours ? styleText(format, text) : text),
  };
}

/** Milliseconds between two lines of progress. */
const PACE = 2000;

/**
 * Tells how far long work is, to somebody who sits in front of a terminal: now and then, so short work says nothing.
 *
 * @param text what to say of `done` of `of`.
 */
export function longWork(
  out: Output,
  text: (done: number, of: number) => string,
): (done: number, of: number) => void {
  if (process.stderr.isTTY !== true) return () => undefined;
  let told = performance.now();
  return (done, of) => {
    const now = performance.now();
    if (now - told < PACE) return;
    told = now;
    out.progress(text(done, of));
  };
}

/** Lays rows out in columns as wide as their widest cell; colour codes count for nothing. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = (cell: string) => stripVTControlCharacters(cell).length;
  const widths = header.map((title, column) =>
    Math.max(width(title), ...rows.map((row) => width(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}
