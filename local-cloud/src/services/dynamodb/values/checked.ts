import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { invalidValues, validation } from '../errors.js';
import { canonicalNumber } from './number.js';
import { base64, type Item, itemOf, type TypeName, type Value } from './value.js';

/** What a client sends: nothing of it is checked yet. */
export type GivenItem = Readonly<Record<string, AttributeValue>>;

/** Developer guide, "Quotas": levels of nesting. */
const MOST_LEVELS = 32;
const TYPES: readonly TypeName[] = ['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M'];

/**
 * Reads the attributes that a client sends.
 *
 * @throws AwsError `ValidationException` where a value has no or several types, a number is none, a set is
 * empty or has an element twice, or values are nested too deeply.
 */
export function checkedItem(given: GivenItem, level = 0): Item {
  return itemOf(Object.entries(given).map(([name, value]) => [name, checkedValue(value, level)] as const));
}

/** Reads one value. @throws as {@link checkedItem}. */
export function checkedValue(given: AttributeValue, level = 0): Value {
  if (level > MOST_LEVELS) {
    throw validation('Nesting Levels have exceeded supported limits');
  }
  const types = TYPES.filter((type) => given[type] !== undefined);
  if (types.length !== 1) {
    throw validation(
      `Supplied AttributeValue ${types.length === 0 ? 'is empty' : 'has more than one datatypes set'}, must contain exactly one of the supported datatypes`,
    );
  }
  if (given.S !== undefined) return { S: given.S };
  if (given.N !== undefined) return { N: canonicalNumber(given.N) };
  if (given.B !== undefined) return { B: given.B };
  if (given.BOOL !== undefined) return { BOOL: given.BOOL };
  if (given.SS !== undefined) return { SS: distinct(given.SS, 'An string set  may not be empty', String) };
  if (given.NS !== undefined) {
    return { NS: distinct(given.NS.map(canonicalNumber), 'An number set  may not be empty', String) };
  }
  if (given.BS !== undefined) return { BS: distinct(given.BS, 'Binary sets should not be empty', base64) };
  if (given.L !== undefined) return { L: given.L.map((each) => checkedValue(each, level + 1)) };
  if (given.M !== undefined) return { M: checkedItem(given.M, level + 1) };
  if (given.NULL !== true) {
    throw invalidValues('Null attribute value types must have the value of true');
  }
  return { NULL: true };
}

function distinct<Each>(
  elements: readonly Each[],
  whenEmpty: string,
  textOf: (each: Each) => string,
): Each[] {
  if (elements.length === 0) throw invalidValues(whenEmpty);
  const texts = elements.map(textOf);
  if (new Set(texts).size < texts.length) {
    throw invalidValues(`Input collection [${texts.join(', ')}] contains duplicates.`);
  }
  return [...elements];
}
