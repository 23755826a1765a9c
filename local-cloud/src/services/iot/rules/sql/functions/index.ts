import { dataFunctions } from './data.js';
import type { Functions, SqlFunction } from './function.js';
import { hashFunctions } from './hashes.js';
import { messageFunctions } from './message.js';
import { numberFunctions } from './numbers.js';
import { regexpFunctions } from './regular-expressions.js';
import { serviceFunctions } from './services.js';
import { stringFunctions } from './strings.js';
import { timeFunctions } from './times.js';

export type { SqlVersion } from './function.js';
export { REFUSED } from './services.js';

const groups: readonly Functions[] = [
  dataFunctions,
  hashFunctions,
  messageFunctions,
  numberFunctions,
  regexpFunctions,
  serviceFunctions,
  stringFunctions,
  timeFunctions,
];

const byName: ReadonlyMap<string, SqlFunction> = new Map(groups.flatMap((group) => Object.entries(group)));

/** A function by its name, whatever its case. */
export function findFunction(name: string): SqlFunction | undefined {
  return byName.get(name.toLowerCase());
}
