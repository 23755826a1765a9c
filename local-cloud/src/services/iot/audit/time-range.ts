import { invalid } from '../errors.js';

/** @throws InvalidRequestException unless both are times and the first is not behind the second. */
export function timeRange(
  startTime: Date | undefined,
  endTime: Date | undefined,
  notBefore?: number,
): { start: number; end: number } {
  const start = startTime?.getTime() ?? Number.NaN;
  const end = endTime?.getTime() ?? Number.NaN;
  if (Number.isNaN(start) || Number.isNaN(end)) throw invalid('startTime and endTime must both be given.');
  if (start > end) throw invalid('The startTime must not be later than the endTime.');
  if (notBefore !== undefined && start < notBefore) {
    throw invalid('The startTime is before what is kept: audits are kept for 90 days.');
  }
  return { start, end };
}
