import { invalidValues, validation } from '../errors.js';
import { difference, sum } from '../values/number.js';
import { base64, type Item, type Value } from '../values/value.js';
import { type Path, valueAt, withValueAt } from './path.js';
import type { Assigned, Change } from './update.js';

const wrongType = () => validation('An operand in the update expression has an incorrect data type');

/**
 * The item after an update; every operand is read from the item as it was before.
 *
 * @throws AwsError `ValidationException` when a path leads nowhere or an operand has the wrong type.
 */
export function updated(item: Item, changes: readonly Change[]): Item {
  const values = changes.map((change) => ({ change, value: newValue(item, change) }));
  // Elements are counted as they were before: so the last is removed first, behind all that is set.
  const others = values.filter(({ value }) => value !== undefined).sort((a, b) => position(a) - position(b));
  const removals = values
    .filter(({ value }) => value === undefined)
    .sort((a, b) => position(b) - position(a));
  let result = item;
  for (const { change, value } of [...others, ...removals]) {
    // There is nothing to do where a set loses elements that it does not have.
    if (change.kind === 'delete' && valueAt(item, change.path) === undefined) continue;
    const next = withValueAt(result, change.path, value);
    if (!next) {
      throw validation('The document path provided in the update expression is invalid for update');
    }
    result = next;
  }
  return result;
}

function position({ change }: { change: Change }): number {
  const step = change.path.at(-1);
  return typeof step === 'number' ? step : -1;
}

/** What stands at the change's path afterwards; undefined for nothing. */
function newValue(item: Item, change: Change): Value | undefined {
  switch (change.kind) {
    case 'remove':
      return undefined;
    case 'set':
      return resolve(item, change.assigned);
    case 'add': {
      const current = valueAt(item, change.path);
      if (!current) return change.value;
      return added(current, change.value);
    }
    case 'delete': {
      const current = valueAt(item, change.path);
      return current && without(current, change.value);
    }
  }
}

function resolve(item: Item, assigned: Assigned): Value {
  switch (assigned.kind) {
    case 'value':
      return assigned.value;
    case 'path': {
      const value = valueAt(item, assigned.path);
      if (!value) {
        throw validation('The provided expression refers to an attribute that does not exist in the item');
      }
      return value;
    }
    case 'if_not_exists':
      return valueAt(item, assigned.path) ?? resolve(item, assigned.otherwise);
    case 'list_append': {
      const [left, right] = [resolve(item, assigned.left), resolve(item, assigned.right)];
      if (!('L' in left && 'L' in right)) throw wrongType();
      return { L: [...left.L, ...right.L] };
    }
    default: {
      const [left, right] = [resolve(item, assigned.left), resolve(item, assigned.right)];
      if (!('N' in left && 'N' in right)) throw wrongType();
      return { N: (assigned.kind === 'plus' ? sum : difference)(left.N, right.N) };
    }
  }
}

/** A number or set with another added. */
function added(current: Value, more: Value): Value {
  if ('N' in current && 'N' in more) return { N: sum(current.N, more.N) };
  if ('SS' in current && 'SS' in more) return { SS: [...new Set([...current.SS, ...more.SS])] };
  if ('NS' in current && 'NS' in more) return { NS: [...new Set([...current.NS, ...more.NS])] };
  if ('BS' in current && 'BS' in more) {
    const all = [...current.BS, ...more.BS];
    return { BS: [...new Map(all.map((each) => [base64(each), each])).values()] };
  }
  throw wrongType();
}

/** A set without the elements of another; undefined when none are left, as no set is empty. */
function without(current: Value, less: Value): Value | undefined {
  if ('SS' in current && 'SS' in less) {
    const SS = current.SS.filter((each) => !less.SS.includes(each));
    return SS.length > 0 ? { SS } : undefined;
  }
  if ('NS' in current && 'NS' in less) {
    const NS = current.NS.filter((each) => !less.NS.includes(each));
    return NS.length > 0 ? { NS } : undefined;
  }
  if ('BS' in current && 'BS' in less) {
    const gone = less.BS.map(base64);
    const BS = current.BS.filter((each) => !gone.includes(base64(each)));
    return BS.length > 0 ? { BS } : undefined;
  }
  throw wrongType();
}

/** @throws AwsError `ValidationException` when a change is of an attribute of the primary key. */
export function checkKeysUnchanged(changes: readonly { path: Path }[], keyNames: readonly string[]): void {
  for (const { path } of changes) {
    if (keyNames.includes(path[0])) {
      throw invalidValues(`Cannot update attribute ${path[0]}. This attribute is part of the key`);
    }
  }
}
