import { toInt, toText, type Value } from '../values.js';
import { type Functions, pure2, pureN } from './function.js';
import { formatTime } from './time-format.js';
import { parseTime } from './time-parse.js';
import { findZone } from './time-zones.js';

/** Ours: patterns and times of this length say all that there is to say. */
const LONGEST = 1000;

function parse_time(pattern: Value, timestamp: Value, ...[zone = 'UTC']: readonly Value[]): Value {
  const [text, instant, id] = [toText(pattern), toInt(timestamp), toText(zone)];
  if (text === undefined || instant === undefined || id === undefined || text.length > LONGEST)
    return undefined;
  const found = findZone(id);
  return found && formatTime(text, instant, found);
}

function time_to_epoch(time: Value, pattern: Value): Value {
  const [text, form] = [toText(time), toText(pattern)];
  if (text === undefined || form === undefined || text.length > LONGEST || form.length > LONGEST)
    return undefined;
  return parseTime(text, form);
}

/** Times: AWS IoT developer guide, "Functions". */
export const timeFunctions: Functions = {
  parse_time: { ...pureN([2, 3], (pattern, time, zone) => parse_time(pattern, time, zone)), since2016: true },
  time_to_epoch: { ...pure2(time_to_epoch), since2016: true },
};
