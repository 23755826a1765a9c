import type { AttributeValue, ReturnValuesOnConditionCheckFailure } from '@aws-sdk/client-dynamodb';
import { conditionFailed, validation } from './errors.js';
import type { Condition } from './expressions/condition.js';
import { parseCondition } from './expressions/condition-parser.js';
import { matches } from './expressions/matching.js';
import { Placeholders } from './expressions/placeholders.js';
import type { Change } from './expressions/update.js';
import { parseUpdate } from './expressions/update-parser.js';
import { checkKeysUnchanged, updated } from './expressions/updating.js';
import type { Items } from './items.js';
import { checkedKey, checkIndexKeys, checkItemKeys } from './keys.js';
import { checkNotMixed, legacyChanges, legacyCondition } from './legacy.js';
import { namesOf, type TableRecord } from './tables.js';
import { checkedItem, type GivenItem } from './values/checked.js';
import { type Item, itemOf, itemSize } from './values/value.js';

/** Bytes of an item (developer guide, "Quotas"). */
const MOST_BYTES = 400 * 1024;

/** The members that writes of one item have in common; those of a transaction have some of them. */
export interface WriteInput {
  readonly ConditionExpression?: string | undefined;
  readonly UpdateExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>> | undefined;
  readonly ReturnValuesOnConditionCheckFailure?: ReturnValuesOnConditionCheckFailure | undefined;
  readonly [legacy: string]: unknown;
}

/** A write of one item whose request was read and found valid. */
export interface Write {
  readonly table: TableRecord;
  /** The attributes of the primary key. */
  readonly key: Item;
  /**
   * Does it; to be called in a transaction.
   *
   * @throws ConditionalCheckFailedException; AwsError `ValidationException` where the item does not allow it.
   */
  run(): { readonly before: Item | undefined; readonly after: Item | undefined };
}

/** Writes of single items, for the operations of their own and for batches and transactions. */
export class Writes {
  constructor(readonly items: Items) {}

  put(table: TableRecord, given: GivenItem, input: WriteInput = {}): Write {
    const { condition } = readExpressions(input, ['ConditionExpression']);
    const item = checkedItem(given);
    checkItemKeys(table, item);
    if (itemSize(item) > MOST_BYTES) throw validation('Item size has exceeded the maximum allowed size');
    return this.#write(table, item, input, condition, () => item);
  }

  delete(table: TableRecord, givenKey: GivenItem, input: WriteInput = {}): Write {
    const { condition } = readExpressions(input, ['ConditionExpression']);
    const key = checkedKey(table, checkedItem(givenKey));
    return this.#write(table, key, input, condition, () => undefined);
  }

  /** Changes nothing, but holds that a condition is met. */
  check(table: TableRecord, givenKey: GivenItem, input: WriteInput): Write {
    const { condition } = readExpressions(input, ['ConditionExpression']);
    const key = checkedKey(table, checkedItem(givenKey));
    return this.#write(table, key, input, condition, (before) => before);
  }

  /** @returns the changes too, for answers that list what was updated. */
  update(table: TableRecord, givenKey: GivenItem, input: WriteInput): Write & { readonly changes: Change[] } {
    const { condition, changes } = readExpressions(input, ['UpdateExpression', 'ConditionExpression']);
    const key = checkedKey(table, checkedItem(givenKey));
    checkKeysUnchanged(changes, namesOf(table.key));
    const write = this.#write(table, key, input, condition, (before) => {
      const after = updated(before ?? itemOf(Object.entries(key)), changes);
      checkIndexKeys(table, after);
      if (itemSize(after) > MOST_BYTES) {
        throw validation('Item size to update has exceeded the maximum allowed size');
      }
      return after;
    });
    return { ...write, changes };
  }

  #write(
    table: TableRecord,
    key: Item,
    input: WriteInput,
    condition: Condition | undefined,
    change: (before: Item | undefined) => Item | undefined,
  ): Write {
    return {
      table,
      key,
      run: () => {
        const before = this.items.get(table, key);
        if (condition && !matches(condition, before ?? itemOf([]))) {
          const wanted = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
          throw conditionFailed(wanted ? before : undefined);
        }
        const after = change(before);
        if (after !== before) this.items.write(table, before, after);
        return { before, after };
      },
    };
  }
}

function readExpressions(
  input: WriteInput,
  parameters: readonly ('ConditionExpression' | 'UpdateExpression')[],
): { condition: Condition | undefined; changes: Change[] } {
  checkNotMixed(input, parameters, ['AttributeUpdates', 'Expected', 'ConditionalOperator']);
  const texts = Object.fromEntries(parameters.map((name) => [name, input[name]]));
  const placeholders = new Placeholders(
    input.ExpressionAttributeNames,
    input.ExpressionAttributeValues,
    texts,
  );
  const { UpdateExpression: update, ConditionExpression: condition } = texts;
  const changes = update === undefined ? legacyChanges(input) : parseUpdate(update, placeholders);
  const parsed =
    condition === undefined
      ? legacyCondition(input)
      : parseCondition('ConditionExpression', condition, placeholders);
  placeholders.checkAllUsed();
  return { condition: parsed, changes };
}
