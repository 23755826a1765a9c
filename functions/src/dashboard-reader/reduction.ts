import type { TelemetryAnswer, TelemetryPoint } from '@mooring/contracts';

/** A message of an LED. */
export type Sample = Pick<TelemetryPoint, 'at' | 'frequency' | 'blinking'>;

/** A stretch of time, in milliseconds since 1970; both ends belong to it. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Takes messages in order of time, and gives at most so many points for them. */
export interface Reduction {
  add(sample: Sample): void;
  result(): TelemetryAnswer;
}

/** Milliseconds of a stretch when a range is divided into so many. */
export function stretch({ from, to }: Range, points: number): number {
  return Math.max(1, Math.ceil((to - from + 1) / points));
}

/**
 * Reduces the messages of a range to at most `points`. While there are no more messages than that, each is a point; else
 * the range is divided evenly, and a point is the last message of its stretch, with the lowest and the highest frequency
 * in it. It keeps only what it may still give, however many messages come.
 */
export function reduction(range: Range, points: number): Reduction {
  const resolution = stretch(range, points);
  let each: Sample[] | undefined = [];
  const stretches = new Map<number, Required<TelemetryPoint>>();
  return {
    add(sample) {
      if (sample.at < range.from || sample.at > range.to) return;
      const { at, frequency, blinking } = sample;
      if (each !== undefined && each.length < points) each.push({ at, frequency, blinking });
      else each = undefined;
      const key = Math.floor((at - range.from) / resolution);
      const before = stretches.get(key);
      stretches.set(key, {
        at,
        frequency,
        blinking,
        lowest: Math.min(frequency, before?.lowest ?? frequency),
        highest: Math.max(frequency, before?.highest ?? frequency),
      });
    },
    result() {
      if (each !== undefined) return { points: each, resolution: 0 };
      return { points: [...stretches.values()], resolution };
    },
  };
}
