import { patternViolation } from '../../constraints.js';
import { groupNotFound, invalidParameter } from './errors.js';
import type { LogGroup, LogStore } from './log-store.js';

/** Days that events can be kept (CloudWatch Logs API reference, `PutRetentionPolicy`). */
export const RETENTIONS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** @throws InvalidParameterException. */
export function checkGroupName(name: string): void {
  if (/^[.\-_/#A-Za-z0-9]{1,512}$/.test(name)) return;
  throw constraint(name, 'logGroupName', '[\\.\\-_/#A-Za-z0-9]+');
}

/** @throws InvalidParameterException. */
export function checkStreamName(name: string): void {
  if (/^[^:*]{1,512}$/.test(name)) return;
  throw constraint(name, 'logStreamName', '[^:*]*');
}

/**
 * The group that a name or an ARN, with or without `:*`, stands for.
 *
 * @throws ResourceNotFoundException.
 */
export function groupOf(store: LogStore, name: string | undefined, identifier?: string): LogGroup {
  if (name !== undefined && identifier !== undefined) {
    throw invalidParameter('LogGroupName and logGroupIdentifier cannot be specified together.');
  }
  const given = identifier ?? name;
  if (given === undefined) throw invalidParameter('A log group name or identifier must be specified.');
  const group = store.group(given.replace(/^arn:aws:logs:[^:]*:\d+:log-group:/, '').replace(/:\*$/, ''));
  if (!group) throw groupNotFound();
  return group;
}

function constraint(value: string, member: string, pattern: string) {
  return invalidParameter(patternViolation(value, member, pattern));
}
